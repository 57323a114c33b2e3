package people;

public class Names {
    public static final String FIRST = "Ada";
}
