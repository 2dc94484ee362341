package sluice;

import java.math.BigDecimal;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.CommonExpressionDef;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GreaterThan;
import org.apache.spark.sql.catalyst.expressions.GreaterThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.LessThan;
import org.apache.spark.sql.catalyst.expressions.LessThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.RuntimeReplaceable;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.With;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.NumericType;
import scala.Tuple2;

/**
 * Finds branches of CASE that no row comes to, as an earlier one takes all of theirs (WHEN x > 0 … WHEN x > 100), and classes with room
 * between them (BETWEEN 0 AND 10 … BETWEEN 11 AND 20). Written for Janino.
 */
final class BranchLook {
    private static final int DEEPEST = 60;
    private final ValueLook look;
    private final LogicalPlan node;

    BranchLook(ValueLook look, LogicalPlan node) {
        this.look = look;
        this.node = node;
    }

    void find() {
        scala.collection.Iterator parts = node.expressions().iterator();
        while (parts.hasNext()) inside((Expression) parts.next(), 0);
    }

    private void inside(Expression part, int depth) {
        if (depth > DEEPEST || part instanceof SubqueryExpression) return;
        if (part instanceof CaseWhen) branches(((CaseWhen) part).branches());
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) inside((Expression) children.next(), depth + 1);
    }

    private void branches(scala.collection.Seq branches) {
        Expression[] conditions = new Expression[branches.length()];
        for (int i = 0; i < conditions.length; i++) conditions[i] = plain((Expression) ((Tuple2) branches.apply(i))._1());
        for (int later = 1; later < conditions.length; later++) {
            Expression shown = (Expression) ((Tuple2) branches.apply(later))._1();
            boolean isTaken = false;
            for (int earlier = 0; earlier < later && !isTaken; earlier++) isTaken = isTakenBy(conditions[later], conditions[earlier]);
            if (isTaken && look.hasRoom()) look.add("dead-branch", node, shown, new Expression[] {conditions[later]});
            Expression gap = between(conditions[later - 1], conditions[later]);
            if (gap == null) gap = between(conditions[later], conditions[later - 1]);
            for (int i = 0; i < conditions.length && gap != null; i++) gap = new And(gap, new Not(new EqualNullSafe(conditions[i], NullLook.yes())));
            if (gap != null && look.hasRoom()) look.add("class-gap", node, shown, new Expression[] {gap});
        }
    }

    /** BETWEEN as the two comparisons that it stands for; any other condition as it is. */
    private static Expression plain(Expression condition) {
        Expression made = condition;
        while (made instanceof RuntimeReplaceable) made = ((RuntimeReplaceable) made).replacement();
        if (!(made instanceof With) || !(((With) made).child() instanceof And)) return condition;
        And both = (And) ((With) made).child();
        if (!(both.left() instanceof GreaterThanOrEqual) || !(both.right() instanceof LessThanOrEqual)) return condition;
        Expression value = ((CommonExpressionDef) ((With) made).defs().apply(0)).child();
        GreaterThanOrEqual from = (GreaterThanOrEqual) both.left();
        LessThanOrEqual to = (LessThanOrEqual) both.right();
        return new And(new GreaterThanOrEqual(in(from.left(), value), from.right()), new LessThanOrEqual(in(to.left(), value), to.right()));
    }

    /** `value` in place of what stands for it, with the CAST around that, if any. */
    private static Expression in(Expression place, Expression value) {
        return place instanceof Cast ? ((Cast) place).copy(value, ((Cast) place).dataType(), ((Cast) place).timeZoneId(), ((Cast) place).evalMode()) : value;
    }

    /** What lies between the class that ends with `low` and the one that begins with `high`, where they are one apart at most: 10.5 between 10 and 11. */
    private static Expression between(Expression low, Expression high) {
        Expression to = end(low, LessThanOrEqual.class), from = end(high, GreaterThanOrEqual.class);
        if (to == null || from == null || !column(to).semanticEquals(column(from))) return null;
        BigDecimal room = bound(from).subtract(bound(to));
        if (room.signum() <= 0 || room.compareTo(BigDecimal.ONE) > 0) return null;
        return new And(new GreaterThan((Expression) to.children().apply(0), (Expression) to.children().apply(1)), new LessThan((Expression) from.children().apply(0), (Expression) from.children().apply(1)));
    }

    /** The comparison of this kind with a number that a condition is, or asks besides. */
    private static Expression end(Expression condition, Class kind) {
        if (condition instanceof And) {
            Expression found = end(((And) condition).left(), kind);
            return found != null ? found : end(((And) condition).right(), kind);
        }
        return kind.isInstance(condition) && bound(condition) != null ? condition : null;
    }

    /** Whether each row that meets one condition meets the other. */
    private static boolean isTakenBy(Expression one, Expression other) {
        if (other instanceof And) return isTakenBy(one, ((And) other).left()) && isTakenBy(one, ((And) other).right());
        if (one instanceof And) return isTakenBy(((And) one).left(), other) || isTakenBy(((And) one).right(), other);
        BigDecimal from = bound(one), to = bound(other);
        if (from == null || to == null || !column(one).semanticEquals(column(other))) return false;
        int order = from.compareTo(to);
        if (other instanceof EqualTo) return one instanceof EqualTo && order == 0;
        boolean isUp = other instanceof GreaterThan || other instanceof GreaterThanOrEqual;
        if (!(one instanceof EqualTo) && isUp != (one instanceof GreaterThan || one instanceof GreaterThanOrEqual)) return false;
        boolean takesEnd = other instanceof GreaterThanOrEqual || other instanceof LessThanOrEqual || one instanceof GreaterThan || one instanceof LessThan;
        return order == 0 ? takesEnd : isUp == order > 0;
    }

    /** The number (days are numbers, too) that a column is compared with; null where it is another condition. */
    private static BigDecimal bound(Expression part) {
        boolean isKnown = part instanceof EqualTo || part instanceof GreaterThan || part instanceof GreaterThanOrEqual || part instanceof LessThan || part instanceof LessThanOrEqual;
        Expression given = isKnown ? (Expression) part.children().apply(1) : null;
        if (given == null || !given.foldable() || !ValueSafety.isSafe(given, false)) return null;
        Object value = given.eval(null);
        if (value instanceof org.apache.spark.sql.types.Decimal) return ((org.apache.spark.sql.types.Decimal) value).toJavaBigDecimal();
        boolean isNumber = value instanceof Integer || value instanceof Long || value instanceof Double && !((Double) value).isNaN() && !((Double) value).isInfinite();
        return isNumber ? new BigDecimal(value.toString()) : null;
    }

    private static Expression column(Expression part) {
        Expression value = (Expression) part.children().apply(0);
        while (value instanceof Cast && value.dataType() instanceof NumericType && ((Cast) value).child().dataType() instanceof NumericType) value = ((Cast) value).child();
        return value;
    }
}
