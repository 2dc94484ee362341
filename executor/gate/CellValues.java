package sluice;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.regex.Pattern;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Numbers of cells that hold text, as TypingTransform reads them; null where the text is none. What most cells look like is read from its
 * bytes, everything else by the rules that Spark has for a text. Written for Janino.
 */
public final class CellValues {
    /** So many digits fit a long, and so many a double without loss. */
    private static final int LONG_DIGITS = 18, DOUBLE_DIGITS = 15;
    private static final long OTHERWISE = Long.MIN_VALUE;
    /** Digits of the type that a text passes through on its way to a whole number. */
    private static final int MIDDLE_DIGITS = 38, MIDDLE_SCALE = 18;
    private static final Pattern LARGE = Pattern.compile("^[+-]?[0-9]*\\.?[0-9]*[eE]\\+[0-9]+$");
    private static final Pattern NUMBER = Pattern.compile("^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$");
    private static final Pattern CODE = Pattern.compile("^ *[0-9]+[eE][0-9]+ *$");
    private static final Pattern NOT_ZERO = Pattern.compile("^[^eE]*[1-9]");
    private static final double[] DOUBLE_TENS = new double[DOUBLE_DIGITS + 1];
    private static final long[] LONG_TENS = new long[LONG_DIGITS + 1];

    static {
        LONG_TENS[0] = 1;
        for (int i = 1; i < LONG_TENS.length; i++) LONG_TENS[i] = LONG_TENS[i - 1] * 10;
        for (int i = 0; i < DOUBLE_TENS.length; i++) DOUBLE_TENS[i] = LONG_TENS[i];
    }

    /** `text` without those of `blanks` that it begins or ends with. All blanks come before “!” or are no ASCII. */
    public static UTF8String trimmed(UTF8String text, UTF8String blanks) {
        int size = text.numBytes();
        return size == 0 || (isSign(text.getByte(0)) && isSign(text.getByte(size - 1))) ? text : text.trim(blanks);
    }

    private static boolean isSign(byte one) {
        return one > ' ' && one < 127;
    }

    public static Integer integer(UTF8String text) {
        Long found = whole(text);
        return found != null && found.longValue() == found.intValue() ? Integer.valueOf(found.intValue()) : null;
    }

    public static Long whole(UTF8String text) {
        long number = digitsOf(text, LONG_DIGITS, false);
        return number == OTHERWISE ? otherWhole(text) : Long.valueOf(isNegative(text) ? -number : number);
    }

    /** Of a text that is a sign, at most `most` digits, and where it may be a point among them: its digits as one number. */
    private static long digitsOf(UTF8String text, int most, boolean mayHavePoint) {
        int size = text.numBytes(), digits = 0;
        boolean isPointDue = mayHavePoint;
        long number = 0;
        for (int at = size > 0 && isPlusOrMinus(text.getByte(0)) ? 1 : 0; at < size; at++) {
            int digit = text.getByte(at) - '0';
            if (isPointDue && digit == '.' - '0') isPointDue = false;
            else if (digit < 0 || digit > 9 || ++digits > most) return OTHERWISE;
            else number = number * 10 + digit;
        }
        return digits == 0 ? OTHERWISE : number;
    }

    /** How many of them stand behind the point. */
    private static int decimalsOf(UTF8String text) {
        int last = text.numBytes() - 1;
        for (int at = last; at >= 0; at--) if (text.getByte(at) == '.') return last - at;
        return 0;
    }

    private static boolean isNegative(UTF8String text) {
        return text.getByte(0) == '-';
    }

    private static boolean isPlusOrMinus(byte one) {
        return one == '-' || one == '+';
    }

    /** As Spark casts, which would cut blanks and leave out decimals; or of a large number as programs write it, 1.2E+6. */
    private static Long otherWhole(UTF8String text) {
        if (isBlankAt(text, 0) || isBlankAt(text, text.numBytes() - 1)) return null;
        UTF8String.LongWrapper found = new UTF8String.LongWrapper();
        String written = text.toString();
        if (written.indexOf('.') < 0 && text.toLong(found)) return Long.valueOf(found.value);
        BigDecimal number = LARGE.matcher(written).find() ? middle(written) : null;
        if (number == null) return null;
        try {
            return Long.valueOf(number.longValueExact());
        } catch (ArithmeticException hasDecimals) {
            return null;
        }
    }

    private static boolean isBlankAt(UTF8String text, int place) {
        return place < 0 || place >= text.numBytes() || (text.getByte(place) >= 0 && text.getByte(place) <= ' ');
    }

    /** Rounded to the decimals that are looked at; null where it is too large or no number. */
    private static BigDecimal middle(String written) {
        BigDecimal number = numberOf(written);
        if (number == null) return null;
        if ((long) number.precision() - number.scale() < -MIDDLE_SCALE) return BigDecimal.ZERO;
        BigDecimal kept = number.setScale(MIDDLE_SCALE, RoundingMode.HALF_UP);
        return kept.precision() > MIDDLE_DIGITS ? null : kept;
    }

    /** Null where it is no number, or has more digits before its point than any type. */
    private static BigDecimal numberOf(String written) {
        try {
            BigDecimal number = new BigDecimal(written.trim());
            return (long) number.precision() - number.scale() > MIDDLE_DIGITS ? null : number;
        } catch (NumberFormatException none) {
            return null;
        }
    }

    public static Double doubled(UTF8String text) {
        long number = digitsOf(text, DOUBLE_DIGITS, true);
        if (number == OTHERWISE) return otherDouble(text);
        double value = number / DOUBLE_TENS[decimalsOf(text)];
        return Double.valueOf(isNegative(text) ? -value : value);
    }

    /** As Spark casts, less what would be another number to people: 0x1p3, 12d, Infinity, nan. */
    private static Double otherDouble(UTF8String text) {
        String written = text.toString(), bare = text.trim().toString();
        if (bare.isEmpty() || written.indexOf('p') >= 0 || written.indexOf('P') >= 0 || "dDfF".indexOf(bare.charAt(bare.length() - 1)) >= 0) return null;
        try {
            Double value = Double.valueOf(written);
            return value.isInfinite() || (value.isNaN() && !bare.equals("NaN")) ? null : value;
        } catch (NumberFormatException none) {
            return null;
        }
    }

    /** A number with more decimals than `scale` is none: rounding would change it. */
    public static Decimal decimal(UTF8String text, int precision, int scale) {
        long number = digitsOf(text, LONG_DIGITS, true);
        if (number == OTHERWISE) return otherDecimal(text.toString(), precision, scale);
        int decimals = decimalsOf(text);
        for (; decimals > scale; decimals--) {
            if (number % 10 != 0) return null;
            number /= 10;
        }
        int more = scale - decimals;
        if (more > LONG_DIGITS || number >= LONG_TENS[LONG_DIGITS - more]) return otherDecimal(text.toString(), precision, scale);
        number *= isNegative(text) ? -LONG_TENS[more] : LONG_TENS[more];
        if (precision > LONG_DIGITS) return Decimal.apply(BigDecimal.valueOf(number, scale), precision, scale);
        return Math.abs(number) < LONG_TENS[precision] ? Decimal.createUnsafe(number, precision, scale) : null;
    }

    private static Decimal otherDecimal(String written, int precision, int scale) {
        BigDecimal number = NUMBER.matcher(written).find() ? numberOf(written) : null;
        if (number == null || number.stripTrailingZeros().scale() > scale) return null;
        BigDecimal kept = number.signum() == 0 ? BigDecimal.ZERO.setScale(scale) : number.setScale(scale);
        return kept.precision() > precision ? null : Decimal.apply(kept, precision, scale);
    }

    /** Whether a double does not hold all digits of its text. Up to 15 digits it always does. */
    public static boolean isInexact(UTF8String text, double value) {
        int size = text.numBytes();
        if (size <= 5) return false;
        String written = text.toString();
        if (value == 0 && NOT_ZERO.matcher(written).find()) return true;
        if (size <= DOUBLE_DIGITS) return false;
        BigDecimal given = middle(written), held = middle(Double.toString(value));
        return given != null && held != null && given.compareTo(held) != 0;
    }

    /** Whether digits, an E and digits, such as 1E5, become a number: a code is written in the same way. */
    public static boolean isMaybeCode(UTF8String text) {
        for (int i = 1; i < text.numBytes() - 1; i++) if ((text.getByte(i) | 32) == 'e') return CODE.matcher(text.toString()).find();
        return false;
    }
}
