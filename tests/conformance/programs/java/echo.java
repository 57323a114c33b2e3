import java.util.Scanner;

public class Main {
    public static void main(String[] arguments) {
        for (String argument : arguments) {
            System.out.println(argument);
        }
        Scanner input = new Scanner(System.in);
        while (input.hasNextLine()) {
            System.out.println(input.nextLine());
        }
    }
}
