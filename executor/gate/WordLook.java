package sluice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.FormatNumber;
import org.apache.spark.sql.catalyst.expressions.GetJsonObject;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.In;
import org.apache.spark.sql.catalyst.expressions.IsNotNull;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.JsonToStructs;
import org.apache.spark.sql.catalyst.expressions.Like;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Lower;
import org.apache.spark.sql.catalyst.expressions.Multiply;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.expressions.Round;
import org.apache.spark.sql.catalyst.expressions.StringTrim;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.Upper;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Finds what goes wrong where numbers become text and text is read or looked for: formats without room, texts that try_… cannot read,
 * patterns that miss words for their case, empty texts beside IS NULL, points that may stand for thousands. Written for Janino.
 */
final class WordLook {
    private static final int DEEPEST = 60, FEWEST_LETTERS = 3, MOST_FIELDS = 8;
    private static final Set SEEN_TO = new HashSet(Arrays.asList(new Object[] {"Coalesce", "Nvl", "Nvl2", "IsNull", "IsNotNull", "If", "CaseWhen", "EqualNullSafe"}));
    private static final Set SEARCHES = new HashSet(Arrays.asList(new Object[] {"Like", "StartsWith", "EndsWith", "Contains", "RLike"}));
    private static final java.util.regex.Pattern UNDERSCORE = java.util.regex.Pattern.compile("[A-Za-z0-9]_[A-Za-z0-9]");
    private static final Set SUMS = new HashSet(Arrays.asList(new Object[] {"Add", "Subtract", "Multiply", "Divide", "UnaryMinus"}));
    private final ValueLook look;
    private final AskedFor asked;
    private final LogicalPlan node;

    WordLook(ValueLook look, AskedFor asked, LogicalPlan node) {
        this.look = look;
        this.asked = asked;
        this.node = node;
    }

    void find() {
        scala.collection.Iterator parts = node.expressions().iterator();
        while (parts.hasNext()) {
            Expression part = (Expression) parts.next();
            inside(part, asked.isForValue(part), 0);
        }
    }

    /** `isSeenTo`: the query itself asks whether there is a value. */
    private void inside(Expression part, boolean isSeenTo, int depth) {
        if (depth > DEEPEST || part instanceof SubqueryExpression) return;
        String kind = part.getClass().getSimpleName();
        if (kind.equals("ToCharacter")) printed(part);
        else if (kind.equals("FormatString")) withoutValue(part);
        else if (part instanceof FormatNumber) rounded((FormatNumber) part);
        else if (SEARCHES.contains(kind)) searched(part, kind);
        else if (part instanceof EqualTo || kind.matches("(Less|Greater)Than(OrEqual)?")) dated(child(part, 0), child(part, 1));
        else if (part instanceof In) for (int i = 1; i < part.children().length(); i++) dated(child(part, 0), child(part, i));
        else if (kind.matches("IsNull|IsNotNull|Coalesce")) empty(part);
        if (kind.matches("IsNull|IsNotNull|Coalesce") || kind.equals("Count") && part.children().length() == 1) valued(part);
        if (part instanceof Cast) thousands((Cast) part);
        if (!isSeenTo && isTry(part)) tried(part);
        if (part instanceof JsonToStructs) unread((JsonToStructs) part);
        boolean isInside = isSeenTo || SEEN_TO.contains(kind);
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) inside((Expression) children.next(), isInside, depth + 1);
    }

    private static Expression child(Expression part, int place) {
        return (Expression) part.children().apply(place);
    }

    private static final java.util.regex.Pattern SIGNED = java.util.regex.Pattern.compile("(?i)s|mi|pr");

    private boolean isSafe(Expression part) {
        return ValueSafety.isSafe(part, node instanceof Aggregate && ValueSafety.hasAggregate(new Expression[] {part}));
    }

    /** A number without room in its format comes out as ###, one below 0 without its minus where the format has no place for that. */
    private void printed(Expression part) {
        Expression form = child(part, 1);
        if (!form.foldable()) return;
        if (isSafe(child(part, 0))) look.addKnown("overflow", node, part, new Expression[] {part});
        boolean hasNoSign = form instanceof Literal && !SIGNED.matcher(String.valueOf(((Literal) form).value())).find();
        Expression number = hasNoSign ? signOf(child(part, 0)) : null;
        if (number != null) look.addKnown("sign-lost", node, part, new Expression[] {number});
    }

    /** A number with the sign of this one, which can be worked out for any row: sums in floating-point numbers fail for none. */
    private Expression signOf(Expression part) {
        String kind = part.getClass().getSimpleName();
        if (kind.equals("Round") || part instanceof Cast && !isSafe(part)) return signOf(child(part, 0));
        if (!SUMS.contains(kind)) return isSafe(part) ? org.apache.spark.sql.catalyst.expressions.Cast$.MODULE$.apply(part, org.apache.spark.sql.types.DataTypes.DoubleType, false) : null;
        List signs = new ArrayList();
        for (int i = 0; i < part.children().length(); i++) signs.add(signOf(child(part, i)));
        if (signs.contains(null)) return null;
        if (kind.equals("Divide")) return new Multiply((Expression) signs.get(0), (Expression) signs.get(1));
        return (Expression) part.withNewChildren(CollectionConverters.asScala(signs).toSeq());
    }

    /** format_string prints the word “null” where a value is missing. */
    private void withoutValue(Expression part) {
        Expression none = null;
        for (int i = 1; i < part.children().length(); i++) {
            Expression given = child(part, i);
            if (!isSafe(given)) return;
            if (given.nullable()) none = none == null ? new IsNull(given) : (Expression) new Or(none, new IsNull(given));
        }
        if (none != null) look.addKnown("null-printed", node, part, new Expression[] {none});
    }

    /** format_number rounds halves to the even digit. */
    private void rounded(FormatNumber part) {
        Expression value = child(part, 0), places = child(part, 1);
        boolean hasPlaces = value.dataType() instanceof DoubleType || value.dataType() instanceof FloatType || value.dataType() instanceof DecimalType;
        if (!hasPlaces || !isSafe(value) || !(places instanceof Literal) || !(((Literal) places).value() instanceof Integer)) return;
        Expression usual = new FormatNumber(new Round(value, places), places);
        look.addKnown("half-even", node, part, new Expression[] {new Not(new EqualTo(part, usual))});
    }

    private static boolean isTry(Expression part) {
        if (part instanceof Cast) return ((Cast) part).evalMode().toString().equals("TRY");
        return part.getClass().getSimpleName().equals("TryToNumber") || part.toString().startsWith("try_to_date(") || part.toString().startsWith("try_to_timestamp(");
    }

    /** A text that cannot be read, and becomes nothing. */
    private void tried(Expression part) {
        Expression text = child(part, 0);
        boolean isRead = text.dataType() instanceof StringType && !(part.dataType() instanceof StringType) && !text.foldable();
        for (int i = 1; i < part.children().length(); i++) isRead = isRead && child(part, i).foldable();
        if (isRead && isSafe(text)) look.addKnown("not-read", node, text, new Expression[] {text, part});
    }

    /** from_json gives no value, and no error, for what is no JSON, or of another type than the one it is told: 1.5 where INT stands. */
    private void unread(JsonToStructs part) {
        Expression text = part.child();
        if (!(part.schema() instanceof StructType) || !part.options().isEmpty() || text.foldable() || !isSafe(text)) return;
        String[] names = ((StructType) part.schema()).fieldNames();
        Expression lost = new IsNull(new GetJsonObject(text, literal("$")));
        for (int i = 0; i < Math.min(names.length, MOST_FIELDS); i++) {
            Expression found = new IsNotNull(new GetJsonObject(text, literal("$['" + names[i] + "']")));
            if (names[i].indexOf("'") < 0) lost = new Or(lost, new And(found, new IsNull(new GetStructField(part, i, scala.Option.empty()))));
        }
        Expression isText = new Not(new EqualTo(new StringTrim(text, scala.Option.empty()), literal("")));
        look.addKnown("json-lost", node, part, new Expression[] {new And(isText, lost)});
    }

    private static Literal literal(String text) {
        return org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(text);
    }

    /** LIKE, startswith, contains, RLIKE: words that the pattern misses for their case alone. */
    private void searched(Expression part, String kind) {
        Expression text = child(part, 0);
        if (DateShape.isNeverFound(text, kind, child(part, 1))) never(text);
        if (!(child(part, 1) instanceof Literal) || text instanceof Lower || text instanceof Upper || !isSafe(text) || text.foldable()) return;
        String pattern = String.valueOf(((Literal) child(part, 1)).value()), small = pattern.toLowerCase();
        if (kind.equals("Like") && UNDERSCORE.matcher(pattern).find() && pattern.indexOf('\\') < 0) underscored((Like) part, pattern);
        if (small.equals(pattern.toUpperCase()) || pattern.indexOf("(?") >= 0) return;
        List parts = new ArrayList();
        parts.add(kind.equals("RLike") ? text : new Lower(text));
        parts.add(org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(kind.equals("RLike") ? "(?i)" + pattern : small));
        Expression anyCase = (Expression) part.withNewChildren(CollectionConverters.asScala(parts).toSeq());
        boolean isWord = letters(pattern) >= FEWEST_LETTERS && (kind.equals("StartsWith") || kind.equals("Like") && !pattern.startsWith("%") && !pattern.startsWith("_"));
        look.addKnown(isWord ? "like-word" : "like-none", node, text, new Expression[] {new And(new Not(part), anyCase), part});
    }

    /** An _ between letters or digits of a LIKE, which stands for any sign, and which texts have as it is written. */
    private void underscored(Like like, String pattern) {
        Expression exact = new Like(like.left(), org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(pattern.replace("_", "\\_")), '\\');
        look.addKnown("underscore", node, like, new Expression[] {new And(like, new Not(exact)), exact});
    }

    /** A piece of a date's text that is compared with what never stands there: substr(day, 4, 2) = '05'. */
    private void dated(Expression one, Expression other) {
        if (DateShape.isNeverEqual(one, other) || DateShape.isOfOtherForm(one, other)) never(one);
        else if (DateShape.isNeverEqual(other, one) || DateShape.isOfOtherForm(other, one)) never(other);
    }

    private void never(Expression text) {
        Expression date = DateShape.dateIn(text);
        if (isSafe(date)) look.addKnown("never-so", node, date, new Expression[] {new IsNotNull(date)});
    }

    private static int letters(String pattern) {
        int found = 0;
        while (found < pattern.length() && Character.isLetter(pattern.charAt(found))) found++;
        return found;
    }

    /** Texts that are taken for values, though elsewhere they are none: words of databases, and what regexp_extract gives without a match. */
    private void valued(Expression part) {
        Expression text = child(part, 0);
        if (!(text.dataType() instanceof StringType)) return;
        boolean isMarked = text instanceof Attribute && ((Attribute) text).metadata().contains("nullWords");
        if (isMarked && !asked.isForNullWord((Attribute) text)) look.add("null-read", node, text, new Expression[] {text}, part);
        Expression made = look.meaning(text);
        if (!made.getClass().getSimpleName().equals("RegExpExtract") || text instanceof Attribute && asked.isForEmpty((Attribute) text)) return;
        boolean isSafe = isSafe(child(made, 0)) && child(made, 1) instanceof Literal && child(made, 2) instanceof Literal;
        if (isSafe) look.addKnown("no-match", node, text, new Expression[] {text});
    }

    /** Texts that are empty, and for Spark a value. */
    private void empty(Expression part) {
        Expression text = child(part, 0);
        if (look.meaning(text).getClass().getSimpleName().equals("RegExpExtract")) return;
        if (!(text instanceof Attribute) || !(text.dataType() instanceof StringType) || asked.isForEmpty((Attribute) text) || !look.isAsRead(node, text)) return;
        for (int i = 1; i < part.children().length(); i++) if (child(part, i) instanceof Literal && isBlank((Literal) child(part, i))) return;
        look.add("empty-text", node, text, new Expression[] {text}, part);
    }

    static boolean isBlank(Literal text) {
        return text.value() != null && text.dataType() instanceof StringType && text.value().toString().trim().isEmpty();
    }

    /** 1.000 and 2.500, where no number is written otherwise. */
    private void thousands(Cast cast) {
        boolean hasPlaces = cast.dataType() instanceof DoubleType || cast.dataType() instanceof FloatType || cast.dataType() instanceof DecimalType;
        Expression text = cast.child();
        if (look.hasRoom() && hasPlaces && text.dataType() instanceof StringType && !text.foldable()) look.add("thousands", node, text, new Expression[] {text});
    }
}
