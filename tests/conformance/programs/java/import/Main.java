import people.Names;

public class Main {
    public static void main(String[] arguments) {
        System.out.println(new Greeting(Names.FIRST).text());
    }
}
