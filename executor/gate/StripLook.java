package sluice;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetArrayItem;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.RegExpSubStr;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;

/**
 * Finds texts of a column from which signs are taken out, or of which a part is taken, before they become numbers: the minus, the sign before
 * decimals or the unit may be left behind. Written for Janino.
 */
final class StripLook {
    private static final int DEEPEST = 60;
    private static final Set TRIMS = new HashSet(Arrays.asList(new Object[] {"StringTrim", "StringTrimLeft", "StringTrimRight"}));
    private static final Set STRIPS = new HashSet(Arrays.asList(new Object[] {"StringReplace", "RegExpReplace", "StringTranslate"}));
    private static final Set CUTS = new HashSet(Arrays.asList(new Object[] {"RegExpExtract", "RegExpSubStr", "SubstringIndex", "GetArrayItem"}));
    private static final Set ADDS = new HashSet(Arrays.asList(new Object[] {"Sum", "TrySum", "Average", "TryAverage"}));
    private static final Pattern LOOKS = Pattern.compile("Like|RLike|StartsWith|EndsWith|Contains|Substring|Left|Right|String(Instr|Locate)");
    private final ValueLook look;
    private final LogicalPlan node;

    private final Set read;

    /** `read`: as `StripLook.read` gives it. */
    StripLook(ValueLook look, LogicalPlan node, Set read) {
        this.look = look;
        this.node = node;
        this.read = read;
    }

    /** The names, in small letters, of columns that become numbers somewhere in the query, and of those that do in later ones (`later`). */
    static Set read(LogicalPlan plan, String[] later) {
        Set names = new HashSet(Arrays.asList((Object[]) later));
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(plan);
        while (!waiting.isEmpty()) {
            Object next = waiting.removeFirst();
            if (next instanceof View) continue;
            scala.collection.Iterator parts = next instanceof LogicalPlan ? ((LogicalPlan) next).expressions().iterator() : ((Expression) next).children().iterator();
            while (parts.hasNext()) waiting.add(parts.next());
            if (next instanceof LogicalPlan) for (int i = 0; i < ((LogicalPlan) next).children().length(); i++) waiting.add(((LogicalPlan) next).children().apply(i));
            else if (isNumber((Expression) next) && ((Expression) next).children().apply(0) instanceof Attribute) names.add(((Attribute) ((Expression) next).children().apply(0)).name().toLowerCase(Locale.ROOT));
        }
        return names;
    }

    private static boolean isNumber(Expression part) {
        return part instanceof Cast && part.dataType() instanceof NumericType || part.getClass().getSimpleName().matches("(?:Try)?ToNumber");
    }

    void find() {
        scala.collection.Iterator parts = node.expressions().iterator();
        while (parts.hasNext()) inside((Expression) parts.next(), false, 0);
    }

    /** `isAdded`: into a sum or an average. */
    private void inside(Expression part, boolean isAdded, int depth) {
        if (depth > DEEPEST || part instanceof SubqueryExpression) return;
        if (isNumber(part) || part instanceof Alias && read.contains(((Alias) part).name().toLowerCase(Locale.ROOT))) stripped((Expression) part.children().apply(0), isAdded);
        scala.collection.Iterator children = part.children().iterator();
        boolean isInSum = isAdded || ADDS.contains(part.getClass().getSimpleName());
        while (children.hasNext()) inside((Expression) children.next(), isInSum, depth + 1);
    }

    /** `text`: as it is read, after what is taken out of a column by fixed patterns. */
    private void stripped(Expression text, boolean isAdded) {
        Expression source = text, before = before(source);
        boolean isJoined = false, isCut = false, isTrimmed = false;
        while (before != null) {
            String name = source.getClass().getSimpleName();
            isJoined = isJoined || STRIPS.contains(name);
            isCut = isCut || CUTS.contains(name);
            isTrimmed = isTrimmed || source.children().length() > 1;
            source = before;
            before = before(source);
        }
        boolean isColumn = source instanceof Attribute || source instanceof GetStructField && ((GetStructField) source).child() instanceof Attribute;
        if (!(isJoined || isCut || isTrimmed) || !isColumn || !(source.dataType() instanceof StringType) || !look.hasRoom()) return;
        Expression[] values = new Expression[] {source, text};
        if (!isLookedAt(source)) look.addKnown("minus-out", node, text, values);
        if (isJoined) look.addKnown("decimals-out", node, text, values);
        if (isJoined) look.addKnown("both-signs", node, text, values);
        if (isCut) look.addKnown("thousands-cut", node, text, values);
        if (isAdded && !isLookedAt(source)) look.addKnown("units-out", node, text, values);
    }

    /** The text that a part of an expression takes something out of, by a pattern that is the same for all rows; null where it does not. */
    private static Expression before(Expression part) {
        if (part instanceof RegExpSubStr) return ((RegExpSubStr) part).right().foldable() ? ((RegExpSubStr) part).left() : null;
        if (part instanceof GetArrayItem) {
            Expression split = ((GetArrayItem) part).child(), place = ((GetArrayItem) part).ordinal();
            boolean isFirst = split.getClass().getSimpleName().equals("StringSplit") && place instanceof Literal && "0".equals(String.valueOf(((Literal) place).value()));
            return isFirst && isFixed(split) ? (Expression) split.children().apply(0) : null;
        }
        String name = part.getClass().getSimpleName();
        return (STRIPS.contains(name) || CUTS.contains(name) || TRIMS.contains(name)) && isFixed(part) ? (Expression) part.children().apply(0) : null;
    }

    /** Whether the query looks at how the text is written, as for a minus that it puts back. */
    private boolean isLookedAt(Expression source) {
        scala.collection.Iterator parts = node.expressions().iterator();
        while (parts.hasNext()) if (isLookedAt((Expression) parts.next(), source, false, 0)) return true;
        return false;
    }

    private static boolean isLookedAt(Expression part, Expression source, boolean isChosen, int depth) {
        if (depth > DEEPEST) return false;
        if (isChosen && LOOKS.matcher(part.getClass().getSimpleName()).matches() && source.references().subsetOf(part.references())) return true;
        scala.collection.Iterator children = part.children().iterator();
        boolean isInside = isChosen || part instanceof CaseWhen || part instanceof If;
        while (children.hasNext()) if (isLookedAt((Expression) children.next(), source, isInside, depth + 1)) return true;
        return false;
    }

    private static boolean isFixed(Expression part) {
        for (int i = 1; i < part.children().length(); i++) if (!((Expression) part.children().apply(i)).foldable()) return false;
        return true;
    }
}
