public class Main {
    static int dig(int depth) {
        return dig(depth + 1) + 1;
    }

    public static void main(String[] arguments) {
        System.out.println(dig(0));
    }
}
