import java.util.Scanner;

public class Main {
    public static void main(String[] arguments) {
        String größe = "Grüße, 世界 🦀";
        System.out.println(größe);
        System.out.println(new StringBuilder(new Scanner(System.in).nextLine()).reverse());
    }
}
