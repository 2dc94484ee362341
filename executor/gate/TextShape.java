package sluice;

import java.util.regex.Pattern;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * What one text looks like: a number, a date or time, or neither, and whether such texts come out of order when they are compared letter
 * by letter. Called by generated code for each row (`StaticInvoke`), so it looks at most texts once, sign by sign. Written for Janino.
 */
public final class TextShape {
    private static final int LONGEST = 40;
    private static final long TEXT = 1L, NUMBER = 2L, SIGNED = 4L, PLAIN = 8L, DATE = 16L, UNORDERED = 32L;
    private static final String MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec";
    private static final Pattern GROUPS = Pattern.compile("(?:[0-9]{1,3}(?:[, '\u2019\u00a0][0-9]{3})+|[0-9]{1,3}(?:[.][0-9]{3}){2,})(?![0-9])");
    private static final Pattern OTHER_NUMBER = Pattern.compile(
        "[+-]?[$\u20ac\u00a3\u00a5]?(?:(?:" + GROUPS.pattern() + "|[1-9][0-9]*|0)(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?%?");
    private static final Pattern YEAR_LAST = Pattern.compile("[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2})(?:[ T].*)?|[0-9]{1,2}[/-][0-9]{4}");
    private static final Pattern MONTH_NAME = Pattern.compile(
        "[0-9]{1,2}[ .-]+[A-Za-z]{3,9}[.]?[ ,-]+(?:[0-9]{4}|[0-9]{2})(?: .*)?|[A-Za-z]{3,9}[.]? [0-9]{1,2},? [0-9]{4}(?: .*)?");
    private static final Pattern YEAR_FIRST = Pattern.compile("[0-9]{4}[/.-][0-9]{1,2}[/.-][0-9]{1,2}(?:[^0-9].*)?");
    private static final Pattern YEAR_FIRST_SHORT = Pattern.compile("[0-9]{4}[/.-](?:[0-9][/.-].*|[0-9]{2}[/.-][0-9](?:[^0-9].*)?)");
    private static final Pattern CLOCK = Pattern.compile("[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[AaPp][.]?[Mm][.]?)?");
    private static final Pattern CLOCK_UNORDERED = Pattern.compile("[0-9]:.*|.*[Mm][.]?");

    /**
     * Bits: 0 a text (not empty, not only blanks), 1 a number, 2 one with a minus or an exponent, 3 one that CAST takes, 4 a date or time,
     * 5 one that letters put out of order; 8 to 15 digits before the decimal sign, 16 to 23 behind it; 32 to 55 a mark of the text.
     */
    public static long of(UTF8String given) {
        UTF8String trimmed = given.trim();
        int length = trimmed.numBytes();
        if (length == 0) return 0L;
        long mark = TEXT | (trimmed.hashCode() & 0xffffffL) << 32;
        if (length > LONGEST) return mark;
        long simple = simple(trimmed, length);
        if (simple >= 0L) return mark | simple;
        return couldBe(trimmed, length) ? mark | other(trimmed.toString()) : mark;
    }

    /** Of digits with at most a minus before and a point between them; -1 for any other text. */
    private static long simple(UTF8String text, int length) {
        int start = text.getByte(0) == '-' ? 1 : 0, point = -1;
        for (int i = start; i < length; i++) {
            int sign = text.getByte(i);
            if (sign == '.' && point < 0 && i > start && i < length - 1) point = i;
            else if (sign < '0' || sign > '9') return -1L;
        }
        int width = (point < 0 ? length : point) - start;
        if (width == 0 || width > 1 && text.getByte(start) == '0') return width == 0 ? -1L : 0L; // a leading zero: a code
        return NUMBER | PLAIN | (start == 1 ? SIGNED : 0L) | (long) width << 8 | (long) (point < 0 ? 0 : length - point - 1) << 16;
    }

    /** Whether a look is worth while: it begins as numbers and dates do (a sign, a digit, the name of a month) and has a digit. */
    private static boolean couldBe(UTF8String text, int length) {
        int first = text.getByte(0) | 32;
        if (first >= 'a' && first <= 'z' && (length < 8 || MONTHS.indexOf(text.substring(0, 3).toLowerCase().toString()) < 0)) return false;
        for (int i = 0; i < length; i++) {
            int sign = text.getByte(i);
            if (sign >= '0' && sign <= '9') return true;
        }
        return false;
    }

    private static long other(String text) {
        if (OTHER_NUMBER.matcher(text).matches()) {
            boolean isSigned = text.startsWith("-") || text.indexOf('e') >= 0 || text.indexOf('E') >= 0;
            return NUMBER | (isSigned ? SIGNED : 0L) | (long) width(text) << 8;
        }
        if (YEAR_LAST.matcher(text).matches() || MONTH_NAME.matcher(text).matches() || YEAR_FIRST_SHORT.matcher(text).matches()) return DATE | UNORDERED;
        if (YEAR_FIRST.matcher(text).matches()) return DATE;
        if (!CLOCK.matcher(text).matches()) return 0L;
        return CLOCK_UNORDERED.matcher(text).matches() ? DATE | UNORDERED : DATE;
    }

    private static int width(String text) {
        java.util.regex.Matcher groups = GROUPS.matcher(text);
        if (groups.find()) return groups.end() - groups.start();
        int start = 0;
        while (start < text.length() && text.charAt(start) != '.' && text.charAt(start) != ',' && !Character.isDigit(text.charAt(start))) start++;
        int end = start;
        while (end < text.length() && Character.isDigit(text.charAt(end))) end++;
        return end - start;
    }
}
