package sluice;

import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;

/** What a day or a time looks like where it is looked through as a text, and whether what is looked for can ever stand in it. Written for Janino. */
final class DateShape {
    private static final String DAY = "0000-00-00", TIME = "0000-00-00 00:00:00.000000";
    private static final int TIME_WITHOUT_FRACTION = 19;

    private DateShape() {}

    /** The day or time of which `part` is the text, or a piece of the text; null where it is none. */
    static Expression dateIn(Expression part) {
        String kind = part.getClass().getSimpleName();
        Expression text = kind.equals("Substring") || kind.equals("Left") || kind.equals("Right") ? (Expression) part.children().apply(0) : part;
        if (!(text instanceof Cast) || !(text.dataType() instanceof StringType)) return null;
        return shapeOf(((Cast) text).child().dataType()) == null ? null : ((Cast) text).child();
    }

    /** Whether no day or time fits this LIKE, startswith, endswith or contains. */
    static boolean isNeverFound(Expression text, String kind, Expression sought) {
        if (!(text instanceof Cast) || dateIn(text) == null || !(sought instanceof Literal) || kind.equals("RLike")) return false;
        String shape = shapeOf(dateIn(text).dataType()), wanted = digitsAlike(String.valueOf(((Literal) sought).value()));
        if (((Literal) sought).value() == null || wanted.indexOf('\\') >= 0) return false;
        if (kind.equals("StartsWith")) return !shape.startsWith(wanted);
        if (!kind.equals("Like")) return shape.indexOf(wanted) < 0;
        String[] pieces = wanted.split("[%_]", -1);
        for (int i = 0; i < pieces.length; i++) if (shape.indexOf(pieces[i]) < 0) return true;
        return !shape.startsWith(pieces[0]) || (shape.equals(DAY) && !shape.endsWith(pieces[pieces.length - 1]));
    }

    /** Whether a piece of a day's or time's text, by its place, never equals a word. */
    static boolean isNeverEqual(Expression piece, Expression word) {
        if (piece instanceof Cast || dateIn(piece) == null || !(word instanceof Literal) || ((Literal) word).value() == null) return false;
        String shape = shapeOf(dateIn(piece).dataType()), kind = piece.getClass().getSimpleName();
        Integer first = whole(piece, 1), second = kind.equals("Substring") ? whole(piece, 2) : Integer.valueOf(0);
        if (first == null || second == null || (kind.equals("Right") && !shape.equals(DAY))) return false;
        int from = kind.equals("Substring") ? Math.max(first.intValue() - 1, 0) : kind.equals("Right") ? Math.max(shape.length() - first.intValue(), 0) : 0;
        int to = kind.equals("Substring") ? from + second.intValue() : kind.equals("Right") ? shape.length() : first.intValue();
        if ((kind.equals("Substring") && first.intValue() < 0) || to < from || to > Math.min(shape.length(), TIME_WITHOUT_FRACTION)) return false;
        return !shape.substring(from, to).equals(digitsAlike(((Literal) word).value().toString()));
    }

    /** Whether the whole text of a day or time is compared with a text that does not begin with a year, as all of them do. */
    static boolean isOfOtherForm(Expression text, Expression word) {
        if (!(text instanceof Cast) || dateIn(text) == null || !(word instanceof Literal) || ((Literal) word).value() == null) return false;
        return String.valueOf(((Literal) word).value()).trim().matches("[0-9]{1,2}[^0-9].*");
    }

    private static String shapeOf(DataType type) {
        if (type instanceof DateType) return DAY;
        return type instanceof TimestampType || type instanceof TimestampNTZType ? TIME : null;
    }

    private static String digitsAlike(String text) {
        return text.replaceAll("[0-9]", "0");
    }

    private static Integer whole(Expression part, int place) {
        Expression given = (Expression) part.children().apply(place);
        Object value = given instanceof Literal ? ((Literal) given).value() : null;
        return value instanceof Integer ? (Integer) value : null;
    }
}
