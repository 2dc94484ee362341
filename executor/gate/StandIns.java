package sluice;

import java.util.regex.Pattern;

/** Numbers that programs write where there is no value, as -999 among temperatures: those of executor/files/stand_ins.py that JSON and
 * Parquet have. Written for Janino.
 */
final class StandIns {
    private static final String PLACES = "(?:\\.(?:9{1,2}|0{1,2}))?";
    private static final Pattern ONE = Pattern.compile("-(?:9{3,7}" + PLACES + "|32768|2147483648)|9{4,8}" + PLACES + "|2147483647");
    private static final int SHORTEST = 4, LONGEST = 11;

    private StandIns() {}

    /** Quick, for nearly all texts. */
    static boolean mayBeOne(char[] signs, int begin, int length) {
        if (length < SHORTEST || length > LONGEST) return false;
        char first = signs[begin];
        return first == '-' || first == '9' || first == '2';
    }

    static boolean isOne(String text) {
        return text != null && text.length() >= SHORTEST && text.length() <= LONGEST && ONE.matcher(text).matches();
    }
}
