package sluice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Concat;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.IsNotNull;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.TimestampDiff;
import org.apache.spark.sql.catalyst.expressions.TruncTimestamp;
import org.apache.spark.sql.catalyst.expressions.WeekOfYear;
import org.apache.spark.sql.catalyst.expressions.Year;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateFunction;
import org.apache.spark.sql.catalyst.expressions.aggregate.Count;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Expand;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegralType;
import org.apache.spark.sql.types.StringType;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Finds functions whose result loses something that other databases keep, or that many people do not expect to be lost: places cut off by a
 * CAST, equal values added once, texts put together with none, the first in an order that begins with rows without a value. Written for Janino.
 */
final class ResultLook {
    private static final int DEEPEST = 60;
    private static final Set GUARDS = new HashSet(Arrays.asList(new Object[] {"Coalesce", "Nvl", "Nvl2", "IsNull", "IsNotNull", "ConcatWs", "NullIf"}));
    private static final Set PICKS = new HashSet(Arrays.asList(new Object[] {"RowNumber", "Rank", "DenseRank", "First", "NthValue"}));
    private final ValueLook look;
    private final LogicalPlan node;

    ResultLook(ValueLook look, LogicalPlan node) {
        this.look = look;
        this.node = node;
    }

    void find() {
        if (node instanceof LocalLimit) cutAt(((LocalLimit) node).child());
        if (node instanceof Aggregate && ((Aggregate) node).child() instanceof Expand) totals((Aggregate) node, (Expand) ((Aggregate) node).child());
        if (node instanceof Window && picks((Window) node)) first(node, ((Window) node).orderSpec());
        scala.collection.Iterator parts = node.expressions().iterator();
        while (parts.hasNext()) inside((Expression) parts.next(), !(node instanceof Project || node instanceof Aggregate), 0);
    }

    /** `isGuarded`: a text that comes to nothing is meant, or seen to. */
    private void inside(Expression part, boolean isGuarded, int depth) {
        if (depth > DEEPEST || part instanceof SubqueryExpression) return;
        if (part instanceof Cast) places((Cast) part);
        else if (part instanceof AggregateExpression) once((AggregateExpression) part);
        else if (part instanceof Concat && !isGuarded) together((Concat) part);
        else if (part instanceof TimestampDiff) boundaries((TimestampDiff) part);
        else if (part instanceof WeekOfYear) week((WeekOfYear) part);
        else if (part.getClass().getSimpleName().matches("ParseToDate|ParseToTimestamp|GetTimestamp")) shortYears(part);
        else if (part.getClass().getSimpleName().matches("StringLPad|StringRPad")) padded(part);
        boolean isInside = isGuarded || part instanceof Concat || part instanceof CaseWhen || part instanceof If || GUARDS.contains(part.getClass().getSimpleName());
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) inside((Expression) children.next(), isInside, depth + 1);
    }

    /** A number with places that becomes a whole one; of a column, or of a group: what is worked out is meant. */
    private void places(Cast cast) {
        Expression value = cast.child();
        boolean isPlain = value instanceof Attribute || value instanceof GetStructField || value instanceof AggregateExpression;
        boolean hasPlaces = value.dataType() instanceof DoubleType || value.dataType() instanceof FloatType
            || value.dataType() instanceof DecimalType && ((DecimalType) value.dataType()).scale() > 0;
        if (isPlain && hasPlaces && cast.dataType() instanceof IntegralType) look.add("places", node, value, new Expression[] {value}, cast);
    }

    /** sum(DISTINCT …) and avg(DISTINCT …). */
    private void once(AggregateExpression part) {
        if (!(node instanceof Aggregate)) return;
        AggregateFunction function = part.aggregateFunction();
        if (part.isDistinct() && function.getClass().getSimpleName().matches("Sum|Average")) {
            Expression value = (Expression) function.children().apply(0);
            look.put("once", node, ValuePoint.GROUPS, part, new Expression[] {
                count(value).toAggregateExpression(false, part.filter()), count(value).toAggregateExpression(true, part.filter()),
            });
        }
    }

    /** One for each use: it brings the columns along in which it counts. */
    private static AggregateFunction count(Expression value) {
        List counted = new ArrayList();
        counted.add(value);
        return new Count(CollectionConverters.asScala(counted).toSeq());
    }

    /** Keys of ROLLUP, CUBE and GROUPING SETS without a value: their group looks like a total. grouping(…) tells both apart. */
    private void totals(Aggregate groups, Expand sets) {
        scala.collection.Iterator made = groups.aggregateExpressions().iterator();
        while (made.hasNext()) {
            scala.collection.Iterator used = ((Expression) made.next()).references().iterator();
            while (used.hasNext()) if (((Attribute) used.next()).name().equals("spark_grouping_id")) return;
        }
        for (int place = 0; place < sets.output().length(); place++) {
            Expression key = null;
            boolean isLeftOut = false;
            for (int set = 0; set < sets.projections().length(); set++) {
                Expression one = (Expression) ((scala.collection.Seq) sets.projections().apply(set)).apply(place);
                if (one instanceof Attribute) key = one;
                else isLeftOut = isLeftOut || one instanceof Literal && ((Literal) one).value() == null;
            }
            if (key != null && isLeftOut && key.nullable()) look.add("rollup-none", sets, key, new Expression[] {key});
        }
    }

    /** Texts put together, of which one that is missing leaves nothing of the others. */
    private void together(Concat concat) {
        if (!(concat.dataType() instanceof StringType)) return;
        List parts = new ArrayList();
        flatten(concat, parts, 0);
        Expression none = null, some = null;
        for (int i = 0; i < parts.size(); i++) {
            Expression part = (Expression) parts.get(i);
            if (part.nullable()) none = none == null ? new IsNull(part) : (Expression) new Or(none, new IsNull(part));
            some = some == null ? new IsNotNull(part) : (Expression) new Or(some, new IsNotNull(part));
        }
        if (parts.size() > 1 && none != null) look.add("concat", node, concat, new Expression[] {new And(none, some)});
    }

    private static void flatten(Expression part, List parts, int depth) {
        if (part instanceof Concat && depth < DEEPEST) {
            scala.collection.Iterator children = part.children().iterator();
            while (children.hasNext()) flatten((Expression) children.next(), parts, depth + 1);
        } else if (part instanceof Cast && ((Cast) part).child().deterministic()) flatten(((Cast) part).child(), parts, depth + 1);
        else if (!part.foldable()) parts.add(part);
    }

    /** datediff(MONTH, a, b): whole months between them, where others count the turns of a month. timestampdiff says that it is meant. */
    private void boundaries(TimestampDiff part) {
        scala.Option text = part.origin().sqlText(), start = part.origin().startIndex();
        if (!text.isDefined() || !start.isDefined()) return;
        String written = ((String) text.get()).substring(Math.max(0, Math.min(((String) text.get()).length(), ((Integer) start.get()).intValue())));
        if (!written.toLowerCase().startsWith("date") || part.unit().equalsIgnoreCase("WEEK")) return;
        List ends = new ArrayList();
        for (int i = 0; i < 2; i++) {
            Expression end = (Expression) part.children().apply(i);
            if (!ValueSafety.isSafe(end, false)) return;
            ends.add(new TruncTimestamp(text(part.unit()), end, part.timeZoneId()));
        }
        Expression turns = (Expression) part.withNewChildren(CollectionConverters.asScala(ends).toSeq());
        look.addKnown("boundaries", node, part, new Expression[] {new Not(new EqualTo(part, turns))});
    }

    private static Expression text(String given) {
        return org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(given);
    }

    /** The week of a day that belongs to another year, beside its year. */
    private void week(WeekOfYear part) {
        boolean hasYear = false;
        scala.collection.Iterator others = node.expressions().iterator();
        while (others.hasNext()) {
            Expression other = (Expression) others.next();
            if (other.exists(new IsOf("YearOfWeek", null))) return;
            hasYear = hasYear || other.exists(new IsOf("Year", (Expression) part.children().apply(0)));
        }
        Expression day = (Expression) part.children().apply(0);
        if (hasYear) look.add("week", node, day, new Expression[] {day});
    }

    /** A year of two digits, read as 20…. */
    private void shortYears(Expression part) {
        if (part.children().length() < 2) return;
        Expression value = (Expression) part.children().apply(0), pattern = (Expression) part.children().apply(1);
        boolean isText = value.dataType() instanceof StringType && pattern instanceof Literal && ((Literal) pattern).value() != null;
        if (isText && String.valueOf(((Literal) pattern).value()).matches("(?:.*[^yu])?(?:yy|uu)(?:[^yu].*)?")) look.add("short-year", node, value, new Expression[] {value, pattern});
    }

    /** A text longer than what it is filled up to, which is cut. */
    private void padded(Expression part) {
        Expression value = (Expression) part.children().apply(0), length = (Expression) part.children().apply(1);
        boolean isSafe = ValueSafety.isSafe(value, false) || value instanceof Cast && ((Cast) value).child().dataType() instanceof IntegralType && ValueSafety.isSafe(((Cast) value).child(), false);
        if (isSafe && length instanceof Literal && ((Literal) length).value() != null) look.addKnown("padded", node, part, new Expression[] {value, length});
    }

    // --- the first in an order

    private void cutAt(LogicalPlan rows) {
        if (rows instanceof Project) cutAt(((Project) rows).child());
        else if (rows instanceof Sort) first(rows, ((Sort) rows).order());
    }

    private static boolean picks(Window window) {
        scala.collection.Iterator functions = window.windowExpressions().iterator();
        while (functions.hasNext()) {
            Expression function = (Expression) functions.next();
            java.util.Iterator kinds = PICKS.iterator();
            while (kinds.hasNext()) if (function.exists(new IsOf((String) kinds.next(), null))) return true;
        }
        return false;
    }

    /** Whether the order begins with rows that have no value, though nobody wrote NULLS FIRST. */
    private void first(LogicalPlan sorted, scala.collection.Seq order) {
        if (order.isEmpty()) return;
        SortOrder by = (SortOrder) order.apply(0);
        scala.Option text = by.origin().sqlText(), start = by.origin().startIndex(), stop = by.origin().stopIndex();
        boolean isFirst = by.nullOrdering().toString().equals("NullsFirst") && by.child().nullable();
        if (!isFirst || !text.isDefined() || !start.isDefined() || !stop.isDefined()) return;
        String sql = (String) text.get();
        int from = ((Integer) start.get()).intValue(), to = Math.min(sql.length(), ((Integer) stop.get()).intValue() + 1);
        if (from < to && sql.substring(from, to).toLowerCase().matches("(?s).*\\bnulls\\b.*")) return;
        look.add("nulls-first", sorted, by.child(), new Expression[] {by.child()}, by);
    }
}

/** Whether an expression is of this class and made of this value (null: of any). */
final class IsOf extends scala.runtime.AbstractFunction1 {
    private final String kind;
    private final Expression value;

    IsOf(String kind, Expression value) {
        this.kind = kind;
        this.value = value;
    }

    public Object apply(Object given) {
        Expression part = (Expression) given;
        boolean isKind = part.getClass().getSimpleName().equals(kind);
        return Boolean.valueOf(isKind && (value == null || ((Expression) part.children().apply(0)).semanticEquals(value)));
    }
}
