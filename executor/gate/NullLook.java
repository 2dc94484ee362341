package sluice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.CommonExpressionDef;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.With;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.BooleanType;

/**
 * Finds conditions that say what is not wanted (`status <> 'x'`, NOT IN, NOT LIKE, NOT (…)): where the value is missing they are neither true
 * nor false, and the row is left out, or goes where the condition is false. Written for Janino.
 */
final class NullLook {
    private static final int DEEPEST = 60;
    private static final Set COMPARE = new HashSet(Arrays.asList(new Object[] {
        "EqualTo", "LessThan", "LessThanOrEqual", "GreaterThan", "GreaterThanOrEqual", "In", "InSet", "InSubquery", "Like", "ILike", "RLike",
        "RegExpLike", "StartsWith", "EndsWith", "Contains", "Between", "LikeAll", "LikeAny", "With",
    }));
    private static final Set NO_VALUE = new HashSet(Arrays.asList(new Object[] {
        "", "-", "--", "?", "na", "n/a", "#n/a", "null", "none", "nan", "unknown", "undefined", "missing", "empty", "0", "0.0", "0.00",
    }));
    private final ValueLook look;
    private final LogicalPlan node;
    private List leaves;

    NullLook(ValueLook look, LogicalPlan node) {
        this.look = look;
        this.node = node;
    }

    void find() {
        boolean isInner = node instanceof Join && ((Join) node).joinType().toString().equals("Inner");
        if (node instanceof Filter) conditions(((Filter) node).condition(), new ArrayList(), "left-out");
        else if (isInner && ((Join) node).condition().isDefined()) conditions((Expression) ((Join) node).condition().get(), new ArrayList(), "left-out");
        scala.collection.Iterator parts = node.expressions().iterator();
        while (parts.hasNext()) inside((Expression) parts.next(), 0);
    }

    /** Conditions within values: CASE, if, count_if, FILTER (WHERE …). What stands in another CASE is left alone: it is guarded there. */
    private void inside(Expression part, int depth) {
        if (depth > DEEPEST || part instanceof SubqueryExpression) return;
        if (part instanceof CaseWhen) {
            cases((CaseWhen) part);
            return;
        }
        if (part instanceof If) {
            conditions(((If) part).predicate(), new ArrayList(), "not-met");
            return;
        }
        if (part instanceof AggregateExpression && ((AggregateExpression) part).filter().isDefined()) conditions((Expression) ((AggregateExpression) part).filter().get(), new ArrayList(), "left-out");
        if (part.getClass().getSimpleName().equals("CountIf")) conditions((Expression) part.children().apply(0), new ArrayList(), "left-out");
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) inside((Expression) children.next(), depth + 1);
    }

    private void cases(CaseWhen part) {
        List before = new ArrayList();
        for (int i = 0; i < part.branches().length(); i++) {
            Expression condition = (Expression) ((scala.Tuple2) part.branches().apply(i))._1();
            if (part.elseValue().isDefined() || part.branches().length() > i + 1) conditions(condition, before, "not-met");
            before.add(new Not(new EqualNullSafe(condition, yes())));
        }
    }

    static Expression yes() {
        return org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(Boolean.TRUE);
    }

    /** `before`: what holds besides wherever the condition is asked. */
    private void conditions(Expression condition, List before, String kind) {
        List parts = new ArrayList();
        split(condition, parts, 0);
        for (int i = 0; i < parts.size(); i++) {
            Expression part = (Expression) parts.get(i);
            leaves = new ArrayList();
            negated(part, false, part, 0);
            for (int j = 0; j < leaves.size(); j++) {
                List others = new ArrayList(before);
                for (int k = 0; k < parts.size(); k++) if (k != i) others.add(unlessFalse((Expression) parts.get(k)));
                Expression[] leaf = (Expression[]) leaves.get(j);
                leaf(kind, part, leaf[0], leaf[1], others);
            }
        }
    }

    /** Another condition as it is with such rows kept: one that says what is not wanted must not be false, any other must be true. */
    private Expression unlessFalse(Expression other) {
        List own = leaves;
        leaves = new ArrayList();
        negated(other, false, other, 0);
        boolean isNegated = !leaves.isEmpty();
        leaves = own;
        return isNegated ? new Not(new EqualNullSafe(other, org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(Boolean.FALSE))) : other;
    }

    private static void split(Expression condition, List parts, int depth) {
        if (condition instanceof And && depth < DEEPEST) {
            split(((And) condition).left(), parts, depth + 1);
            split(((And) condition).right(), parts, depth + 1);
        } else parts.add(condition);
    }

    /** Comparisons that must not hold: each with the part of the query's text that says so. */
    private void negated(Expression part, boolean isNot, Expression shown, int depth) {
        if (depth > DEEPEST) return;
        if (part instanceof Not) negated(((Not) part).child(), !isNot, part, depth + 1);
        else if (part instanceof And || part instanceof Or) {
            for (int i = 0; i < 2; i++) negated((Expression) part.children().apply(i), isNot, isNot ? shown : (Expression) part.children().apply(i), depth + 1);
        } else if (isNot ? isComparison(part) : isNotTrue(part) || part.getClass().getSimpleName().startsWith("NotLike")) leaves.add(new Expression[] {shown, part});
    }

    private static boolean isComparison(Expression part) {
        return COMPARE.contains(part.getClass().getSimpleName()) || (part.dataType() instanceof BooleanType && part instanceof org.apache.spark.sql.catalyst.expressions.Attribute);
    }

    /** `deleted = false`. */
    private static boolean isNotTrue(Expression part) {
        return part instanceof EqualTo && Boolean.FALSE.equals(literal((Expression) part.children().apply(1)));
    }

    private static Object literal(Expression part) {
        Expression now = part;
        while (now.getClass().getSimpleName().equals("Cast")) now = (Expression) now.children().apply(0);
        return now instanceof Literal ? ((Literal) now).value() : null;
    }

    private void leaf(String kind, Expression part, Expression shown, Expression leaf, List others) {
        Expression compared = leaf.getClass().getSimpleName().equals("Between") && leaf.children().length() == 1 ? (Expression) leaf.children().apply(0) : leaf;
        List operands = new ArrayList();
        scala.collection.Iterator children = compared.children().iterator();
        if (compared.children().isEmpty()) operands.add(compared);
        if (compared instanceof With) children = ((With) compared).defs().iterator(); // what BETWEEN compares twice
        while (children.hasNext()) {
            Expression child = (Expression) children.next();
            if (child instanceof CommonExpressionDef) child = ((CommonExpressionDef) child).child();
            Object text = literal(child);
            if (text != null && NO_VALUE.contains(text.toString().toLowerCase(Locale.ROOT))) return; // asks whether there is a value at all
            if (compared instanceof org.apache.spark.sql.catalyst.expressions.InSubquery && child instanceof SubqueryExpression) continue;
            if (!child.foldable()) operands.add(child);
        }
        if (operands.isEmpty() || operands.size() > 2 || (operands.size() == 2 && compared.children().length() != 2)) return;
        Expression one = (Expression) operands.get(0);
        if (!one.nullable() && (operands.size() < 2 || !((Expression) operands.get(1)).nullable())) return;
        Expression missing = new IsNull(one), narrow = missing;
        if (operands.size() == 2) {
            Expression other = new IsNull((Expression) operands.get(1));
            narrow = new Or(missing, other);
            missing = new Not(new EqualTo(missing, other));
        }
        if (part != shown && ValueSafety.isSafe(part, false)) missing = new And(missing, new IsNull(part));
        else if (part != shown) return;
        boolean isWhole = shown == leaf || ((Expression) shown.children().apply(0)) == leaf;
        look.addMissing(kind, node, shown, missing, narrow, others, isWhole ? (Expression[]) operands.toArray(new Expression[0]) : ValueLook.NONE);
    }
}
