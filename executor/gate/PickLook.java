package sluice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.BitwiseNot;
import org.apache.spark.sql.catalyst.expressions.CreateNamedStruct;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.IsNotNull;
import org.apache.spark.sql.catalyst.expressions.Lag;
import org.apache.spark.sql.catalyst.expressions.Lead;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Rank;
import org.apache.spark.sql.catalyst.expressions.RowNumber;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.expressions.WindowExpression;
import org.apache.spark.sql.catalyst.expressions.WindowFunction;
import org.apache.spark.sql.catalyst.expressions.WindowSpecDefinition;
import org.apache.spark.sql.catalyst.expressions.XxHash64;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateFunction;
import org.apache.spark.sql.catalyst.expressions.aggregate.AnyValue;
import org.apache.spark.sql.catalyst.expressions.aggregate.Count;
import org.apache.spark.sql.catalyst.expressions.aggregate.First;
import org.apache.spark.sql.catalyst.expressions.aggregate.Last;
import org.apache.spark.sql.catalyst.expressions.aggregate.Max;
import org.apache.spark.sql.catalyst.expressions.aggregate.Min;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Generate;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Offset;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import org.apache.spark.sql.types.AtomicType;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Finds where one of several is taken and nothing says which: first(x), max_by with ties, row_number() = 1 over an order with ties, LIMIT in
 * no order. What comes out may be another one at the next run. Written for Janino.
 */
final class PickLook {
    private static final Set PICKS = new HashSet(Arrays.asList(new Object[] {"First", "Last", "AnyValue"}));
    private static final int DEEPEST = 60, MOST_ROWS = 100000;
    private final ValueLook look;
    private final UsedColumns used;
    private final LogicalPlan node;

    PickLook(ValueLook look, UsedColumns used, LogicalPlan node) {
        this.look = look;
        this.used = used;
        this.node = node;
    }

    void find() {
        if (node instanceof Aggregate) ofGroups((Aggregate) node);
        if (node instanceof Window) ofWindows((Window) node);
        if (node instanceof GlobalLimit) limit((GlobalLimit) node);
        if (node instanceof Generate) exploded((Generate) node);
    }

    /** explode(list): a row whose list is empty or missing is left out. */
    private void exploded(Generate made) {
        String kind = made.generator().getClass().getSimpleName();
        if (made.outer() || !kind.matches("Explode|PosExplode|Inline") || !((Expression) made.generator()).deterministic()) return;
        Expression list = (Expression) ((Expression) made.generator()).children().apply(0);
        look.put("exploded", made, 0, list, new Expression[] {list});
    }

    // --- groups

    private void ofGroups(Aggregate groups) {
        java.util.Iterator parts = PlanWalk.expressions(groups).iterator();
        while (parts.hasNext()) {
            Object part = parts.next();
            if (!(part instanceof AggregateExpression) || ((AggregateExpression) part).isDistinct()) continue;
            AggregateExpression picked = (AggregateExpression) part;
            String kind = picked.aggregateFunction().getClass().getSimpleName();
            if (PICKS.contains(kind)) look.put("first-of", groups, ValuePoint.GROUPS, picked, several(picked));
            else if (kind.equals("MaxBy") || kind.equals("MinBy")) look.put("tie-of", groups, ValuePoint.GROUPS, picked, tied(picked, kind.equals("MaxBy")));
        }
    }

    /** The least and the greatest of what first, last and any_value choose from, how many have a value, and how many there are. */
    private static Expression[] several(AggregateExpression picked) {
        Expression value = (Expression) picked.aggregateFunction().children().apply(0);
        if (!(value.dataType() instanceof AtomicType) || value.foldable()) return null;
        boolean isWithout = leavesOutNone(picked.aggregateFunction());
        Expression all = isWithout ? value : one();
        return new Expression[] {
            new Min(value).toAggregateExpression(false, picked.filter()), new Max(value).toAggregateExpression(false, picked.filter()),
            count(value).toAggregateExpression(false, picked.filter()), count(all).toAggregateExpression(false, picked.filter()),
        };
    }

    /** first(x) IGNORE NULLS. */
    private static boolean leavesOutNone(AggregateFunction picked) {
        if (picked instanceof First) return ((First) picked).ignoreNulls();
        return picked instanceof Last ? ((Last) picked).ignoreNulls() : ((AnyValue) picked).ignoreNulls();
    }

    private static Expression one() {
        return org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(Integer.valueOf(1));
    }

    private static AggregateFunction count(Expression value) {
        return new Count(seqOf(new Object[] {value}));
    }

    /** Two numbers that are each other's complement where one value alone stands at the greatest (least) of the order. */
    private static Expression[] tied(AggregateExpression picked, boolean isMax) {
        Expression value = (Expression) picked.aggregateFunction().children().apply(0), order = (Expression) picked.aggregateFunction().children().apply(1);
        if (order.foldable() || value.foldable()) return null;
        Expression known = new IsNotNull(order), wanted = picked.filter().isDefined() ? new And((Expression) picked.filter().get(), known) : known;
        Expression hash = new XxHash64(seqOf(new Object[] {value}));
        return new Expression[] {last(order, hash, wanted, isMax), last(order, new BitwiseNot(hash), wanted, isMax)};
    }

    private static Expression last(Expression order, Expression hash, Expression wanted, boolean isMax) {
        Expression both = new CreateNamedStruct(seqOf(new Object[] {text("o"), order, text("h"), hash}));
        AggregateFunction end = isMax ? (AggregateFunction) new Max(both) : (AggregateFunction) new Min(both);
        return new GetStructField(end.toAggregateExpression(false, scala.Option.apply(wanted)), 1, scala.Option.empty());
    }

    private static Expression text(String given) {
        return org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(given);
    }

    // --- windows

    private void ofWindows(Window window) {
        scala.collection.Iterator columns = window.windowExpressions().iterator();
        while (columns.hasNext()) {
            Object column = columns.next();
            if (!(column instanceof Alias) || !(((Alias) column).child() instanceof WindowExpression)) continue;
            WindowExpression made = (WindowExpression) ((Alias) column).child();
            Expression function = made.windowFunction();
            if (function instanceof RowNumber) numbered(window, (Alias) column, made);
            else if (function instanceof Lag || function instanceof Lead) before(window, made, (Expression) function.children().apply(0));
            else if (function instanceof AggregateExpression && PICKS.contains(((AggregateExpression) function).aggregateFunction().getClass().getSimpleName())) first(window, (Alias) column, made);
        }
    }

    /** first_value(x) OVER (…): in no order any of them; in an order with ties at its beginning any of those. */
    private void first(Window window, Alias column, WindowExpression made) {
        AggregateExpression picked = (AggregateExpression) made.windowFunction();
        Expression value = (Expression) picked.aggregateFunction().children().apply(0);
        if (!(value.dataType() instanceof AtomicType) || value.foldable()) return;
        boolean isFirst = picked.aggregateFunction().getClass().getSimpleName().equals("First");
        WindowSpecDefinition spec = made.windowSpec();
        if (spec.orderSpec().isEmpty()) {
            Expression least = new WindowExpression(new Min(value).toAggregateExpression(false, picked.filter()), spec);
            Expression most = new WindowExpression(new Max(value).toAggregateExpression(false, picked.filter()), spec);
            look.put("first-in-window", window, ValuePoint.BESIDE, made, new Expression[] {least, most});
        } else if (isFirst && !leavesOutNone(picked.aggregateFunction()) && !picked.filter().isDefined()) {
            look.put("first-of-tie", window, ValuePoint.BESIDE, made, new Expression[] {over(new Rank(orders(window.orderSpec())), window), new Not(new EqualNullSafe(value, column.toAttribute()))});
        }
    }

    /** lag(x) OVER (ORDER BY day): which row of a day is the one before. */
    private void before(Window window, WindowExpression made, Expression value) {
        if (value.foldable() || value.dataType().typeName().indexOf("map") >= 0) return;
        Expression hash = new XxHash64(seqOf(new Object[] {value}));
        look.put("tied-before", window, ValuePoint.BESIDE, made, new Expression[] {
            over(new Rank(orders(window.orderSpec())), window), over(new RowNumber(), window), hash, over(new Lag(hash), window),
        });
    }

    /** row_number() = 1: rows that stand equally and are left out. */
    private void numbered(Window window, Alias column, WindowExpression made) {
        int kept = used.keptOf(column.exprId().id());
        if (kept < 1) return;
        Expression[] values = equals(window.child(), window.orderSpec(), window);
        if (values == null) return;
        values[1] = column.toAttribute();
        look.put("tied-out", window, ValuePoint.BESIDE, made, with(values, kept));
    }

    /** Its place in the order with ties, its place without, and a number of what it has of columns that come out, for it and for the row before it. */
    private Expression[] equals(LogicalPlan rows, scala.collection.Seq order, Window window) {
        List live = new ArrayList();
        scala.collection.Iterator columns = rows.output().iterator();
        while (columns.hasNext()) {
            Attribute column = (Attribute) columns.next();
            boolean isCounted = column.name().startsWith("_") && column.metadata().contains("internal");
            if (!isCounted && used.isUsed(column) && column.dataType().typeName().indexOf("map") < 0) live.add(column);
        }
        if (live.isEmpty()) return null;
        Expression hash = new XxHash64(seqOf(live.toArray()));
        return new Expression[] {over(new Rank(orders(order)), window), null, hash, over(new Lag(hash), window)};
    }

    private static Expression[] with(Expression[] values, int kept) {
        return new Expression[] {values[0], values[1], values[2], values[3], number(kept)};
    }

    private static Expression number(int given) {
        return org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(Integer.valueOf(given));
    }

    private static scala.collection.immutable.Seq orders(scala.collection.Seq order) {
        List found = new ArrayList();
        for (int i = 0; i < order.length(); i++) found.add(((SortOrder) order.apply(i)).child());
        return seqOf(found.toArray());
    }

    private static Expression over(WindowFunction function, Window window) {
        return new WindowExpression((Expression) function, new WindowSpecDefinition(window.partitionSpec(), window.orderSpec(), function.frame()));
    }

    // --- LIMIT

    private void limit(GlobalLimit limit) {
        Object most = limit.limitExpr() instanceof Literal ? ((Literal) limit.limitExpr()).value() : null;
        if (!(most instanceof Integer) || !(limit.child() instanceof LocalLimit)) return;
        int kept = ((Integer) most).intValue();
        LogicalPlan rows = ((LocalLimit) limit.child()).child();
        scala.Option known = rows.maxRows();
        if (kept < 1 || kept > MOST_ROWS || known.isDefined() && ((Long) known.get()).longValue() <= kept) return;
        Sort sort = sorted(rows, 0);
        if (sort == null) {
            if (rows.output().exists(new OwnColumns())) look.put("any-rows", limit, ValuePoint.LIMITED, limit.limitExpr(), new Expression[] {number(kept)});
            return;
        }
        scala.collection.immutable.Seq order = sort.order();
        if (below(rows) != sort) return; // something else stands between
        Window window = new Window(seqOf(new Object[0]), seqOf(new Object[0]), order, sort, scala.Option.empty());
        Expression[] values = equals(sort, order, window);
        if (values == null) return;
        values[1] = over(new RowNumber(), window);
        look.put("tied-limit", limit, ValuePoint.LIMITED, ((SortOrder) order.apply(0)).child(), with(values, kept));
    }

    /** What stands below columns that are left out or made behind an order. */
    static LogicalPlan below(LogicalPlan rows) {
        LogicalPlan now = rows;
        while (now instanceof Project || now instanceof SubqueryAlias) now = (LogicalPlan) now.children().apply(0);
        return now instanceof Sort ? now : rows;
    }

    /** The ORDER BY whose order rows still have. */
    private static Sort sorted(LogicalPlan rows, int depth) {
        if (rows instanceof Sort && ((Sort) rows).global()) return (Sort) rows;
        boolean isKept = rows instanceof Project || rows instanceof SubqueryAlias || rows instanceof Filter || rows instanceof Offset;
        return isKept && depth < DEEPEST ? sorted((LogicalPlan) rows.children().apply(0), depth + 1) : null;
    }

    private static scala.collection.immutable.Seq seqOf(Object[] given) {
        return CollectionConverters.asScala(Arrays.asList(given)).toSeq();
    }
}

/** Whether a column is one that a reading has not added. */
final class OwnColumns extends scala.runtime.AbstractFunction1 {
    public Object apply(Object column) {
        return Boolean.valueOf(!((Attribute) column).name().startsWith("_"));
    }
}
