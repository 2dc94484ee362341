package sluice;

import java.math.BigDecimal;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GreaterThan;
import org.apache.spark.sql.catalyst.expressions.GreaterThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.LessThan;
import org.apache.spark.sql.catalyst.expressions.LessThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.NumericType;
import scala.Tuple2;

/** Finds branches of CASE that no row comes to, as an earlier one takes all of theirs: WHEN x > 0 … WHEN x > 100. Written for Janino. */
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
        for (int later = 1; later < branches.length(); later++) {
            Expression condition = (Expression) ((Tuple2) branches.apply(later))._1();
            boolean isTaken = false;
            for (int earlier = 0; earlier < later && !isTaken; earlier++) isTaken = isTakenBy(condition, (Expression) ((Tuple2) branches.apply(earlier))._1());
            if (isTaken && look.hasRoom()) look.add("dead-branch", node, condition, new Expression[] {condition});
        }
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
