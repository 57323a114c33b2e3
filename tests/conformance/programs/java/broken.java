public class Main {
    static int add(int a, int b) {
        return a + b;
    }

    public static void main(String[] arguments) {
        System.out.println(add(1, 2)
    }
}
