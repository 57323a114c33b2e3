public class Main {
    static void fail() {
        throw new IllegalStateException("the flux is low");
    }

    public static void main(String[] arguments) {
        fail();
    }
}
