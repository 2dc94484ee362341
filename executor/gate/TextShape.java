package sluice;

import java.text.Normalizer;
import java.util.regex.Pattern;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * What one text looks like: a number, a date or time, or neither, and whether such texts come out of order when they are compared letter
 * by letter. Called by generated code for each row (`StaticInvoke`), so it looks at most texts once, sign by sign. Written for Janino.
 */
public final class TextShape {
    private static final int LONGEST = 40;
    private static final int MOST_WIDTH = 30, MOST_DECIMALS = 18, EXACT_DIGITS = 15;
    private static final int WIDTHS = 3, DECIMALS = 34;
    private static final long TEXT = 1L, NUMBER = 1L << 1, DATE = 1L << 2;
    private static final long UNORDERED = 1L << 53, NOT_PLAIN = 1L << 54, SIGNED = 1L << 55, ODD = 1L << 56, ZEROS = 1L << 57, MANY_DIGITS = 1L << 58;
    private static final long DASHED = 1L << 59, SLASHED = 1L << 60, OF_ONE_KIND = NUMBER | DATE, OF_ONE_TEXT = TEXT | OF_ONE_KIND | SIGNED | ODD | ZEROS | MANY_DIGITS;
    private static final String MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec";
    private static final Pattern GROUPS = Pattern.compile("(?:[0-9]{1,3}(?:[, '\u2019\u00a0][0-9]{3})+|[0-9]{1,3}(?:[.][0-9]{3}){2,}|[0-9]{1,3}(?:[.][0-9]{3})+(?=,[0-9]))(?![0-9])");
    private static final Pattern OTHER_NUMBER = Pattern.compile(
        "[+-]?[$\u20ac\u00a3\u00a5]?(?:(?:" + GROUPS.pattern() + "|[1-9][0-9]*|0)(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?%?");
    private static final Pattern OTHER_DECIMALS = Pattern.compile("[.,][0-9]+[^0-9]*$");
    private static final Pattern WHOLE_GROUPS = Pattern.compile("[^0-9]*(?:" + GROUPS.pattern() + ")[^0-9]*");
    private static final Pattern YEAR_LAST = Pattern.compile("[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2})(?:[ T].*)?|[0-9]{1,2}[/-][0-9]{4}");
    private static final Pattern MONTH_NAME = Pattern.compile(
        "[0-9]{1,2}[ .-]+[A-Za-z]{3,9}[.]?[ ,-]+(?:[0-9]{4}|[0-9]{2})(?: .*)?|[A-Za-z]{3,9}[.]? [0-9]{1,2},? [0-9]{4}(?: .*)?");
    private static final Pattern YEAR_FIRST = Pattern.compile("[0-9]{4}[/.-][0-9]{1,2}[/.-][0-9]{1,2}(?:[^0-9].*)?|(?:19|20)[0-9]{2}[/-](?:0[1-9]|1[0-2])");
    private static final Pattern YEAR_FIRST_SHORT = Pattern.compile("[0-9]{4}[/.-](?:[0-9][/.-].*|[0-9]{2}[/.-][0-9](?:[^0-9].*)?)|(?:19|20)[0-9]{2}[/-][1-9]");
    private static final Pattern CLOCK = Pattern.compile("[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[AaPp][.]?[Mm][.]?)?");
    private static final Pattern CLOCK_UNORDERED = Pattern.compile("[0-9]:.*|.*[Mm][.]?");

    /**
     * Bits: 0 a text (neither empty nor only blanks), 1 a number, 2 a date or time; 3 to 33 one for the digits before the decimal sign, 34 to
     * 52 one for those behind it; 53 a date or time that letters put out of order, 54 a text that CAST takes for no number, 55 a number with
     * a minus or an exponent, 56 a key that only looks like others, 57 digits with a zero before them, 58 more digits than a double has; 59
     * and 60 a date whose year comes first, with - behind it or another sign: letters put all of one year with the one before those with the other.
     */
    public static long of(UTF8String given) {
        UTF8String trimmed = given.trim();
        int length = trimmed.numBytes();
        if (length == 0) return 0L;
        long odd = TEXT | (isOdd(given, trimmed) ? ODD : 0L);
        if (length > LONGEST) return odd | NOT_PLAIN;
        long simple = simple(trimmed, length);
        if (simple >= 0L) return odd | simple;
        return odd | NOT_PLAIN | (couldBe(trimmed, length) ? other(trimmed.toString()) : 0L);
    }

    /** As `of`, of a text that is compared with such as have the bits `beside`: a number beside numbers, a date beside dates. */
    public static long beside(UTF8String given, long beside) {
        long own = of(given);
        return (own & beside & OF_ONE_KIND) == 0L ? own : own | beside & ~OF_ONE_TEXT;
    }

    /** Whether a text becomes a double although it is no number to people: 1d and 1f, 0x1p3, NaN and Infinity. */
    public static boolean isOddDouble(UTF8String given) {
        UTF8String text = given.trim();
        int length = text.numBytes();
        if (length < 2) return false;
        int last = text.getByte(length - 1) | 32;
        if ((text.getByte(1) | 32) == 'x' || length > 2 && (text.getByte(2) | 32) == 'x') return text.toString().matches("[+-]?0[xX][0-9a-fA-F.]+[pP][+-]?[0-9]+");
        if (last == 'd' || last == 'f') {
            boolean isNumber = false;
            for (int i = 0; i < length - 1; i++) {
                int sign = text.getByte(i);
                if (sign >= '0' && sign <= '9') isNumber = true;
                else if (sign != '.' && sign != '-' && sign != '+' && (sign | 32) != 'e') return false;
            }
            return isNumber;
        }
        if (last != 'n' && last != 'y') return false;
        String word = text.toString().toLowerCase();
        return word.matches("[+-]?(?:nan|inf|infinity)");
    }

    /** 1: one to three digits and then points with three digits each, 2: another number with a point, 4: a whole number below 1000, 8: one above; 0 for other texts. */
    public static long thousands(UTF8String given) {
        UTF8String text = given.trim();
        int length = text.numBytes(), start = length > 0 && (text.getByte(0) == '-' || text.getByte(0) == '+') ? 1 : 0, digits = 0, points = 0;
        boolean isGrouped = length > start && text.getByte(start) != '0';
        for (int i = start; i < length; i++) {
            int sign = text.getByte(i);
            if (sign >= '0' && sign <= '9') digits++;
            else if (sign != '.') return 0L;
            else {
                isGrouped = isGrouped && (points == 0 ? digits >= 1 && digits <= 3 : digits == 3);
                points++;
                digits = 0;
            }
        }
        if (points == 0) return digits == 0 ? 0L : digits <= 3 ? 4L : 8L;
        return isGrouped && digits == 3 ? 1L : 2L;
    }

    /** Whether a key has blanks around it, a sign that is not seen or looks like a blank, or signs put together in two ways. */
    static boolean isOdd(UTF8String given, UTF8String trimmed) {
        if (given.numBytes() != trimmed.numBytes()) return true;
        boolean isPlain = true;
        for (int i = 0; i < given.numBytes() && isPlain; i++) isPlain = given.getByte(i) > 31;
        if (isPlain) return false;
        String text = given.toString();
        if (!Normalizer.isNormalized(text, Normalizer.Form.NFC)) return true;
        for (int i = 0; i < text.length(); i++) {
            char sign = text.charAt(i);
            if (sign < ' ' || Character.getType(sign) == Character.FORMAT || (sign != ' ' && Character.isSpaceChar(sign))) return true;
        }
        return false;
    }

    /** Of digits with at most a minus before and a point between them; -1 for any other text. */
    private static long simple(UTF8String text, int length) {
        int start = text.getByte(0) == '-' ? 1 : 0, point = -1;
        for (int i = start; i < length; i++) {
            int sign = text.getByte(i);
            if (sign == '.' && point < 0 && i > start && i < length - 1) point = i;
            else if (sign < '0' || sign > '9') return -1L;
        }
        int width = (point < 0 ? length : point) - start, decimals = point < 0 ? 0 : length - point - 1;
        if (width == 0) return -1L;
        if (width > 1 && text.getByte(start) == '0') return ZEROS | NOT_PLAIN; // a code
        boolean fits = width + decimals <= MOST_DECIMALS;
        return number(width, decimals) | (start == 1 ? SIGNED : 0L) | (fits ? 0L : NOT_PLAIN);
    }

    private static long number(int width, int decimals) {
        long found = NUMBER | 1L << WIDTHS + Math.min(width, MOST_WIDTH) | 1L << DECIMALS + Math.min(decimals, MOST_DECIMALS);
        return width + decimals > EXACT_DIGITS ? found | MANY_DIGITS : found;
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
            return number(width(text), OTHER_DECIMALS.matcher(text).find() && !WHOLE_GROUPS.matcher(text).matches() ? 1 : 0) | (isSigned ? SIGNED : 0L);
        }
        if (YEAR_LAST.matcher(text).matches() || MONTH_NAME.matcher(text).matches() || YEAR_FIRST_SHORT.matcher(text).matches()) return DATE | UNORDERED;
        if (YEAR_FIRST.matcher(text).matches()) return DATE | (text.charAt(4) == '-' ? DASHED : SLASHED);
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
