package sluice;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** What a query itself asks of its columns: whether there is a value, whether a text is empty. Written for Janino. */
final class AskedFor {
    static final Set NULL_WORDS = new HashSet(Arrays.asList(new Object[] {"NULL", "\\N", "(null)"}));
    private final Set values = new HashSet(), empties = new HashSet(), words = new HashSet();

    AskedFor(LogicalPlan plan) {
        java.util.Iterator plans = PlanWalk.plans(plan).iterator();
        while (plans.hasNext()) {
            java.util.Iterator parts = PlanWalk.expressions((LogicalPlan) plans.next()).iterator();
            while (parts.hasNext()) note((Expression) parts.next());
        }
    }

    private void note(Expression part) {
        String kind = part.getClass().getSimpleName();
        boolean isForValue = kind.matches("IsNull|IsNotNull|Coalesce|EqualNullSafe"), isForEmpty = kind.equals("Length"), isForWord = false;
        for (int i = 0; i < part.children().length(); i++) {
            Object child = part.children().apply(i);
            if (isForValue && child instanceof Attribute) values.add(number((Attribute) child));
            isForEmpty = isForEmpty || !kind.matches("Coalesce|Concat|StringReplace|If|CaseWhen") && child instanceof Literal && WordLook.isBlank((Literal) child);
            isForWord = isForWord || child instanceof Literal && NULL_WORDS.contains(String.valueOf(((Literal) child).value()));
        }
        scala.collection.Iterator columns = part.references().iterator();
        while ((isForEmpty || isForWord) && columns.hasNext()) {
            Long column = number((Attribute) columns.next());
            if (isForEmpty) empties.add(column);
            if (isForWord) words.add(column);
        }
    }

    private static Long number(Attribute column) {
        return Long.valueOf(column.exprId().id());
    }

    /** Whether the query asks of this column of its own whether it has a value. */
    boolean isForValue(Expression column) {
        return column instanceof Alias && values.contains(Long.valueOf(((Alias) column).exprId().id()));
    }

    boolean isForEmpty(Attribute column) {
        return empties.contains(number(column));
    }

    /** Whether the query compares this column with a word of databases for no value. */
    boolean isForNullWord(Attribute column) {
        return words.contains(number(column));
    }
}
