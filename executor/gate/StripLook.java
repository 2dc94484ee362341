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
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;

/** Finds texts of a column from which signs are taken out before they become numbers: the minus, or the sign before decimals, may be among them. Written for Janino. */
final class StripLook {
    private static final int DEEPEST = 60;
    private static final Set TRIMS = new HashSet(Arrays.asList(new Object[] {"StringTrim", "StringTrimLeft", "StringTrimRight"}));
    private static final Set STRIPS = new HashSet(Arrays.asList(new Object[] {"StringReplace", "RegExpReplace", "StringTranslate"}));
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
        while (parts.hasNext()) inside((Expression) parts.next(), 0);
    }

    private void inside(Expression part, int depth) {
        if (depth > DEEPEST || part instanceof SubqueryExpression) return;
        if (isNumber(part) || part instanceof Alias && read.contains(((Alias) part).name().toLowerCase(Locale.ROOT))) stripped((Expression) part.children().apply(0));
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) inside((Expression) children.next(), depth + 1);
    }

    /** `text`: as it is read, after what is taken out of a column by fixed patterns. */
    private void stripped(Expression text) {
        Expression source = text;
        boolean isStripped = false;
        String name = source.getClass().getSimpleName();
        while ((STRIPS.contains(name) || TRIMS.contains(name)) && isFixed(source)) {
            isStripped = isStripped || STRIPS.contains(name);
            source = (Expression) source.children().apply(0);
            name = source.getClass().getSimpleName();
        }
        boolean isColumn = source instanceof Attribute || source instanceof GetStructField && ((GetStructField) source).child() instanceof Attribute;
        if (!isStripped || !isColumn || !(source.dataType() instanceof StringType) || !look.hasRoom()) return;
        Expression[] values = new Expression[] {source, text};
        if (!isLookedAt(source)) look.addKnown("minus-out", node, text, values);
        look.addKnown("decimals-out", node, text, values);
        look.addKnown("both-signs", node, text, values);
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
