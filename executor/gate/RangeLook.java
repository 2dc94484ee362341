package sluice;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GreaterThan;
import org.apache.spark.sql.catalyst.expressions.GreaterThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.LessThan;
import org.apache.spark.sql.catalyst.expressions.LessThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import scala.jdk.javaapi.CollectionConverters;

/**
 * A join of values with the ranges they lie in: `o.day >= p.valid_from AND o.day < p.valid_to`, BETWEEN, with equal keys beside them or none.
 * Where ranges overlap a value lies in several, and its row comes several times. Written for Janino.
 */
final class RangeLook {
    private static final String UNIT = "\u001f";
    final Join join;
    final List keys = new ArrayList(), others = new ArrayList();
    private Expression value = null, from = null, to = null;
    private boolean isFromIn, isToIn, isUnclear;
    /** The side (0 left, 1 right) that has the ranges. */
    private int side = -1;

    private RangeLook(Join join) {
        this.join = join;
    }

    /** What is known of this join; null where it is none of values with ranges, or where more is asked of the pairs. */
    static RangeLook of(Join join, Set own, Aggregate above) {
        if (!join.condition().isDefined()) return null;
        for (int side = 1; side >= 0; side--) {
            RangeLook look = new RangeLook(join);
            look.side = side;
            ArrayDeque waiting = new ArrayDeque();
            waiting.add(join.condition().get());
            while (!waiting.isEmpty()) {
                Expression next = (Expression) waiting.removeFirst();
                if (next instanceof And) {
                    waiting.add(next.children().apply(0));
                    waiting.add(next.children().apply(1));
                } else look.take(next);
            }
            if (look.isUnclear || look.value == null || !look.isOwn(own) || look.isExpanded(above)) continue;
            if (look.from != null && look.to != null || look.addsOrShows(above) && !look.isWithItself()) return look;
        }
        return null;
    }

    private LogicalPlan ranges() {
        return (LogicalPlan) join.children().apply(side);
    }

    private LogicalPlan values() {
        return (LogicalPlan) join.children().apply(1 - side);
    }

    private static boolean isOf(LogicalPlan rows, Expression value) {
        return value.references().nonEmpty() && value.references().subsetOf(rows.outputSet());
    }

    private void take(Expression part) {
        if (part.getClass().getSimpleName().equals("IsNotNull")) return;
        isUnclear = isUnclear || part.children().length() != 2;
        if (isUnclear) return;
        Expression left = (Expression) part.children().apply(0), right = (Expression) part.children().apply(1);
        boolean isTurned = isOf(ranges(), left) && isOf(values(), right);
        if (!isTurned && !(isOf(values(), left) && isOf(ranges(), right))) {
            isUnclear = true;
            return;
        }
        Expression own = isTurned ? right : left, bound = isTurned ? left : right;
        if (part instanceof EqualTo) {
            keys.add(bound);
            others.add(own);
            return;
        }
        boolean isMore = isTurned ? part instanceof LessThan || part instanceof LessThanOrEqual : part instanceof GreaterThan || part instanceof GreaterThanOrEqual;
        boolean isLess = isTurned ? part instanceof GreaterThan || part instanceof GreaterThanOrEqual : part instanceof LessThan || part instanceof LessThanOrEqual;
        boolean isIn = part instanceof GreaterThanOrEqual || part instanceof LessThanOrEqual;
        boolean isSame = value == null || value.references().subsetOf(own.references()) && own.references().subsetOf(value.references());
        if (!isSame || isMore && from != null || isLess && to != null || !isMore && !isLess) {
            isUnclear = true;
            return;
        }
        value = own;
        if (isMore) from = bound;
        else to = bound;
        if (isMore) isFromIn = isIn;
        else isToIn = isIn;
    }

    /** Whether the query itself says so, and not a view that it reads. */
    private boolean isOwn(Set own) {
        return ownAll(own, value) && ownAll(own, from) && ownAll(own, to) && (from == null || to == null || !from.semanticEquals(to));
    }

    /** Of one end alone: whether rows of the values come out, or their numbers are added. Others look back on purpose. */
    private boolean addsOrShows(Aggregate above) {
        return above == null || JoinLook.addsOf(above, values(), true);
    }

    /** Rows of a view beside earlier ones of the same are how people look back. */
    private boolean isWithItself() {
        scala.collection.Seq leaves = values().collectLeaves(), others = ranges().collectLeaves();
        for (int i = 0; i < leaves.length(); i++) {
            for (int j = 0; j < others.length(); j++) if (((LogicalPlan) leaves.apply(i)).sameResult((LogicalPlan) others.apply(j))) return true;
        }
        return false;
    }

    private static boolean ownAll(Set own, Expression part) {
        if (part == null) return true;
        scala.collection.Iterator columns = part.references().iterator();
        while (columns.hasNext()) if (!own.contains(Long.valueOf(((Attribute) columns.next()).exprId().id()))) return false;
        return true;
    }

    /** Days beside what goes on at each of them: nothing else of the values' side comes out, or it is put together by them. */
    private boolean isExpanded(Aggregate above) {
        if (above != null) {
            scala.collection.Iterator groups = above.groupingExpressions().iterator();
            while (groups.hasNext()) if (value.references().subsetOf(((Expression) groups.next()).references())) return true;
            return false;
        }
        scala.collection.Iterator columns = values().output().iterator();
        while (columns.hasNext()) {
            Attribute column = (Attribute) columns.next();
            boolean isKnown = value.references().contains((NamedExpression) column);
            for (int i = 0; i < others.size() && !isKnown; i++) isKnown = ((Expression) others.get(i)).references().contains((NamedExpression) column);
            if (!isKnown) return false;
        }
        return true;
    }

    /** The join's name for JoinNumbers, the value and the range as people read them, which of its ends are asked (from, to, both), whether its ends lie within (1, else 0), the number of equal keys. */
    String point() {
        String name = JoinLook.name(CollectionConverters.asScala(others).toSeq(), CollectionConverters.asScala(keys).toSeq());
        String ends = from == null ? shown(to) : to == null ? shown(from) : shown(from) + ", " + shown(to);
        return name + UNIT + shown(value) + UNIT + ends + UNIT + (from == null ? "to" : to == null ? "from" : "both") + UNIT + (isFromIn ? 1 : 0) + UNIT + (isToIn ? 1 : 0) + UNIT + keys.size();
    }

    private static String shown(Expression part) {
        return ((NamedExpression) part.references().iterator().next()).name();
    }

    /** The ranges: equal keys as k0, k1 …, from, to as a, b (both the same where one end alone is asked). */
    Dataset rangeRows(org.apache.spark.sql.classic.SparkSession session) {
        List columns = named(keys);
        columns.add(ValueCounters.alias(from == null ? to : from, "a"));
        columns.add(ValueCounters.alias(to == null ? from : to, "b"));
        return rows(session, columns, ranges());
    }

    /** The values: equal keys as k0, k1 …, the value as p. */
    Dataset valueRows(org.apache.spark.sql.classic.SparkSession session) {
        List columns = named(others);
        columns.add(ValueCounters.alias(value, "p"));
        return rows(session, columns, values());
    }

    private static List named(List keys) {
        List columns = new ArrayList();
        for (int i = 0; i < keys.size(); i++) columns.add(ValueCounters.alias((Expression) keys.get(i), "k" + i));
        return columns;
    }

    private static Dataset rows(org.apache.spark.sql.classic.SparkSession session, List columns, LogicalPlan from) {
        LogicalPlan made = new Project(CollectionConverters.asScala(columns).toSeq(), from);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, made);
    }
}
