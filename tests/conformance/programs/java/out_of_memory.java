import java.util.ArrayList;
import java.util.List;

public class Main {
    public static void main(String[] arguments) {
        List<int[]> hoard = new ArrayList<>();
        while (true) {
            hoard.add(new int[100_000]);
        }
    }
}
