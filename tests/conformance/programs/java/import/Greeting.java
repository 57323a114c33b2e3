record Greeting(String name) {
    String text() {
        return "Hello, " + name + "!";
    }
}
