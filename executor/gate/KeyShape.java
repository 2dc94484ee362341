package sluice;

import java.text.Normalizer;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * How a text that serves as a key is written: the same number may stand as 1, 01, 1.0, +1 or with a blank before it, and then is another
 * key. Called by generated code for each row (`StaticInvoke`). Written for Janino.
 */
public final class KeyShape {
    private static final int PLAIN = 0, ZEROS = 1, DECIMALS = 2, PLUS = 3, BLANKS = 4, MOST_WIDTH = 12, LONGEST = 30, FEWEST_LETTERS = 3, OTHERWISE = 2, BLANK = 3;
    private static final java.util.regex.Pattern CODE = java.util.regex.Pattern.compile("[0-9]");
    private static final java.util.regex.Pattern DAY = java.util.regex.Pattern.compile(
        "([0-9]{4})([-/.])([0-9]{1,2})\\2([0-9]{1,2})|([0-9]{1,2})([-/.])([0-9]{1,2})\\6([0-9]{4})");
    private static final long ODD_TEXT = 1L << 60, ODD = 1L << 61, SMALL = 1L << 62, CAPITAL = 1L << 63;

    /**
     * Bits: for numbers one by how they are written (plainly, with zeros before them, with needless decimals, with a plus, with blanks or
     * signs that are not seen: twelve bits each) and how many digits they have before the decimal sign; 60 another text that only looks
     * like others; 61 any text that does; 62, 63 texts whose letters are all small, all capital.
     */
    public static long of(UTF8String given) {
        UTF8String text = given.trim();
        if (text.numBytes() == 0) return 0L;
        boolean isOdd = TextShape.isOdd(given, text);
        long odd = isOdd ? ODD : 0L;
        if (isOdd) text = UTF8String.fromString(plain(given.toString()));
        int length = text.numBytes();
        if (length > LONGEST || !isNumber(text, length)) return (isOdd ? ODD | ODD_TEXT : 0L) | letters(text, length);
        int start = isSign(text.getByte(0)) ? 1 : 0, point = pointOf(text, length), end = point < 0 ? length : point, first = start;
        while (first < end - 1 && text.getByte(first) == '0') first++;
        int form = PLAIN;
        if (text.getByte(0) == '+') form = PLUS;
        if (point >= 0 && (point == start || point == length - 1 || text.getByte(length - 1) == '0')) form = DECIMALS;
        if (first > start) form = ZEROS;
        if (isOdd) form = BLANKS;
        return odd | 1L << form * MOST_WIDTH + Math.min(Math.max(end - first, 1), MOST_WIDTH) - 1;
    }

    private static long letters(UTF8String text, int length) {
        boolean hasSmall = false, hasCapital = false;
        for (int i = 0; i < Math.min(length, LONGEST); i++) {
            int sign = text.getByte(i);
            hasSmall = hasSmall || sign >= 'a' && sign <= 'z';
            hasCapital = hasCapital || sign >= 'A' && sign <= 'Z';
        }
        return hasSmall == hasCapital ? 0L : hasSmall ? SMALL : CAPITAL;
    }

    /** As `plainly`, and the same for capital and small letters, for dashes and apostrophes of all kinds, and for several blanks as for one. */
    public static UTF8String alike(UTF8String given) {
        String text = plainly(given).toString().toLowerCase(java.util.Locale.ROOT);
        return UTF8String.fromString(text.replaceAll("[\u2010-\u2015\u2212]", "-").replaceAll("[\u2018\u2019\u02bc`\u00b4]", "'").replaceAll(" {2,}", " "));
    }

    /** The text as all of its kind could be written: 1 for 01, 1.0, +1; other texts without blanks around them and signs that are not seen. */
    public static UTF8String plainly(UTF8String given) {
        String text = plain(given.toString());
        UTF8String made = UTF8String.fromString(text);
        if (text.length() > LONGEST || !isNumber(made, made.numBytes())) return made;
        try {
            java.math.BigDecimal number = new java.math.BigDecimal(text.endsWith(".") ? text.substring(0, text.length() - 1) : text);
            return UTF8String.fromString(number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString());
        } catch (NumberFormatException error) {
            return made;
        }
    }

    /** Whether a text is another one than the one that is looked for, and differs in how it is written alone. */
    public static boolean isNearly(UTF8String given, UTF8String sought) {
        if (given.equals(sought)) return false;
        UTF8String text = given.trim();
        if (text.equals(sought.trim())) return true;
        int length = text.numBytes();
        if (length == 0) return false;
        boolean isPlain = true;
        for (int i = 0; i < length && isPlain; i++) isPlain = text.getByte(i) > 31;
        if (length == sought.numBytes() && text.toLowerCase().equals(sought.toLowerCase())) return true;
        if (isPlain && isSameDay(text, sought.trim())) return true;
        if (isPlain && !(isNumber(text, length) && isNumber(sought, sought.numBytes()))) return false;
        return plainly(given).equals(plainly(sought));
    }

    /** Whether both are one day, such as 2024-01-05 and 2024-1-5 or 05.01.2024; of 01/02/2024 beside 2024-01-02 either may be the month. */
    private static boolean isSameDay(UTF8String text, UTF8String sought) {
        int length = text.numBytes();
        if (length < 6 || length > 10 || sought.numBytes() < 6 || sought.numBytes() > 10) return false;
        if (text.getByte(0) < '0' || text.getByte(0) > '9' || text.getByte(length - 1) < '0' || text.getByte(length - 1) > '9') return false;
        int[] one = day(text.toString()), other = day(sought.toString());
        if (one == null || other == null || one[0] != other[0]) return false;
        if (one[1] == other[1] && one[2] == other[2]) return true;
        return one[3] + other[3] == MAY_BE_TURNED && one[1] == other[2] && one[2] == other[1];
    }

    private static final int MAY_BE_TURNED = 1;

    /** Year, month, day, and 1 for two numbers before the year with / between them, 2 for other ones; null where a text is no day. */
    private static int[] day(String text) {
        java.util.regex.Matcher found = DAY.matcher(text);
        if (!found.matches()) return null;
        boolean isYearFirst = found.group(1) != null;
        int from = isYearFirst ? 1 : 5;
        int first = Integer.parseInt(found.group(from)), middle = Integer.parseInt(found.group(from + 2)), last = Integer.parseInt(found.group(from + 3));
        return isYearFirst ? new int[] {first, middle, last, 0} : new int[] {last, middle, first, found.group(6).equals("/") ? MAY_BE_TURNED : 2};
    }

    /** As `isNearly`, of texts that somebody said are text: zeros and decimals are theirs. */
    public static boolean isNearlyWord(UTF8String given, UTF8String sought) {
        return !isNumber(given.trim(), given.trim().numBytes()) && isNearly(given, sought);
    }

    /**
     * Of words: one bit of sixteen by what they are without case and accents, in one of four parts of the whole by how they are written: all
     * small, all capital, otherwise, with blanks around them or signs that are not seen. Codes and short texts count as written otherwise,
     * whatever their case: blanks alone make two of them one. 0 for what is empty or long.
     */
    public static long cases(UTF8String given) {
        UTF8String text = given.trim();
        int length = text.numBytes(), letters = 0, hash = 0;
        if (length == 0 || length > LONGEST) return 0L;
        boolean isPlain = true, hasSmall = false, hasCapital = false, isCode = false;
        for (int i = 0; i < length; i++) {
            int sign = text.getByte(i);
            isCode = isCode || sign >= '0' && sign <= '9';
            boolean isSmall = sign >= 'a' && sign <= 'z', isCapital = sign >= 'A' && sign <= 'Z';
            hasSmall = hasSmall || isSmall;
            hasCapital = hasCapital || isCapital;
            letters += isSmall || isCapital || sign < 0 ? 1 : 0;
            isPlain = isPlain && sign > 31;
            hash = 31 * hash + (isCapital ? sign | 32 : sign);
        }
        if (!isPlain) return 1L << form(given.toString()) * 16 + (word(given).toString().hashCode() & 15);
        int form = text.numBytes() != given.numBytes() ? BLANK : isCode || letters < FEWEST_LETTERS || hasSmall && hasCapital ? OTHERWISE : hasCapital ? 1 : 0;
        return 1L << form * 16 + (hash & 15);
    }

    /** How a word is written: 0 all small, 1 all capital, 2 otherwise, 3 with blanks around it or signs that are not seen. */
    private static int form(String given) {
        String text = plain(given);
        if (!text.equals(given)) return BLANK;
        if (text.length() < FEWEST_LETTERS || CODE.matcher(text).find()) return OTHERWISE;
        return text.equals(text.toLowerCase(java.util.Locale.ROOT)) ? 0 : text.equals(text.toUpperCase(java.util.Locale.ROOT)) ? 1 : OTHERWISE;
    }

    /** How a word is written, as one text: see `form`. */
    public static UTF8String formOf(UTF8String given) {
        return UTF8String.fromString(cases(given) == 0L ? "" : String.valueOf(form(given.toString())));
    }

    /** A word without case and accents. */
    public static UTF8String word(UTF8String given) {
        String apart = Normalizer.normalize(plain(given.toString()).toLowerCase(java.util.Locale.ROOT), Normalizer.Form.NFD);
        return UTF8String.fromString(apart.replaceAll("\\p{M}", ""));
    }

    private static String plain(String text) {
        StringBuilder kept = new StringBuilder();
        String whole = Normalizer.normalize(text, Normalizer.Form.NFC);
        for (int i = 0; i < whole.length(); i++) {
            char sign = whole.charAt(i);
            if (Character.getType(sign) == Character.FORMAT) continue;
            kept.append(sign < ' ' || Character.isSpaceChar(sign) ? ' ' : sign);
        }
        return kept.toString().trim();
    }

    private static boolean isSign(int sign) {
        return sign == '-' || sign == '+';
    }

    private static int pointOf(UTF8String text, int length) {
        for (int i = 0; i < length; i++) if (text.getByte(i) == '.') return i;
        return -1;
    }

    /** Digits with at most one point and a sign before them. */
    private static boolean isNumber(UTF8String text, int length) {
        int digits = 0, points = 0;
        for (int i = 0; i < length; i++) {
            int sign = text.getByte(i);
            if (sign >= '0' && sign <= '9') digits++;
            else if (sign == '.') points++;
            else if (i > 0 || !isSign(sign)) return false;
        }
        return digits > 0 && points <= 1;
    }
}
