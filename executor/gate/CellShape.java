package sluice;

import java.io.Serializable;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * A pattern of days and times that is read digit by digit: its parts are numbers of two digits (a year of four, a fraction of up to six),
 * signs, and Z for UTC. Written for Janino.
 */
public final class CellShape implements Serializable {
    private static final int FIRST_YEAR = 1600;
    private static final int[] DAYS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    private static final long DAY_MICROS = 86400000000L;
    private static final String PARTS = "yMdHmsS";
    /** For each place of a text: the part that its digit belongs to, or the sign that stands there, as a negative number. */
    private final byte[] places;
    private final long fractionUnit;

    private CellShape(byte[] places, long fractionUnit) {
        this.places = places;
        this.fractionUnit = fractionUnit;
    }

    /** The shape of Spark's `pattern`; null where that has other parts, or does not say a day. */
    static CellShape of(String pattern) {
        byte[] places = new byte[pattern.length()];
        int size = 0;
        String seen = "";
        long unit = 1000000;
        for (int at = 0; at < pattern.length(); ) {
            char letter = pattern.charAt(at);
            int end = at + 1;
            if (letter == '\'') {
                end = pattern.indexOf('\'', end);
                if (end <= at + 1) return null;
                for (int i = at + 1; i < end; i++) if ((places[size++] = sign(pattern.charAt(i))) == 0) return null;
                at = end + 1;
                continue;
            }
            while (end < pattern.length() && pattern.charAt(end) == letter) end++;
            int part = PARTS.indexOf(letter), width = end - at;
            boolean isLetter = Character.isLetter(letter), isZone = letter == 'X' && end == pattern.length();
            if (isLetter && !isZone && (part < 0 || seen.indexOf(letter) >= 0 || !isWidth(part, width))) return null;
            if (!isLetter && "[]{}#".indexOf(letter) >= 0) return null;
            if (isZone) places[size++] = sign('Z');
            else for (int i = 0; i < width; i++) if ((places[size++] = isLetter ? (byte) part : sign(letter)) == 0 && !isLetter) return null;
            for (int i = 0; part == 6 && i < width; i++) unit /= 10;
            seen += letter;
            at = end;
        }
        boolean isDay = seen.indexOf('y') >= 0 && seen.indexOf('M') >= 0 && seen.indexOf('d') >= 0;
        boolean isClock = ("HmsS".startsWith(only("HmsS", seen)));
        return isDay && isClock ? new CellShape(java.util.Arrays.copyOf(places, size), unit) : null;
    }

    private static boolean isWidth(int part, int width) {
        return part == 0 ? width == 4 : part == 6 ? width <= 6 : width == 2;
    }

    /** Zero for what is no ASCII sign. */
    private static byte sign(char one) {
        return (byte) (one < 128 ? -one : 0);
    }

    /** Those of `letters` that were seen, in their order. */
    private static String only(String letters, String seen) {
        String found = "";
        for (int i = 0; i < letters.length(); i++) if (seen.indexOf(letters.charAt(i)) >= 0) found += letters.charAt(i);
        return found;
    }

    /** Microseconds since 1970 of a text in this shape, in UTC; null where it is not in it, or no time: somebody else has to look then. */
    public static Long moment(UTF8String text, CellShape shape) {
        byte[] places = shape.places;
        if (text.numBytes() != places.length) return null;
        int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0;
        for (int at = 0; at < places.length; at++) {
            byte one = text.getByte(at), place = places[at];
            if (place < 0) {
                if (one != -place) return null;
                continue;
            }
            int digit = one - '0';
            if (digit < 0 || digit > 9) return null;
            switch (place) {
                case 0: year = year * 10 + digit; break;
                case 1: month = month * 10 + digit; break;
                case 2: day = day * 10 + digit; break;
                case 3: hour = hour * 10 + digit; break;
                case 4: minute = minute * 10 + digit; break;
                case 5: second = second * 10 + digit; break;
                default: fraction = fraction * 10 + digit;
            }
        }
        if (year < FIRST_YEAR || month < 1 || month > 12 || day < 1 || day > daysOf(year, month) || hour > 23 || minute > 59 || second > 59) return null;
        long seconds = (hour * 60 + minute) * 60 + second;
        return Long.valueOf(dayNumber(year, month, day) * DAY_MICROS + seconds * 1000000 + fraction * shape.fractionUnit);
    }

    private static int daysOf(int year, int month) {
        return month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : DAYS[month - 1];
    }

    /** Days since 1970, counted from March, so that the day that only some years have is the last one. */
    private static long dayNumber(int year, int month, int day) {
        int from = month < 3 ? year - 1 : year, months = (month + 9) % 12;
        return from * 365L + from / 4 - from / 100 + from / 400 + (months * 153 + 2) / 5 + day - 1 - 719468;
    }
}
