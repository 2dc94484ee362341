package sluice;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Distinct;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Window;

/** Finds the texts by which rows are put together (GROUP BY, DISTINCT, PARTITION BY): written in two ways they make two groups of one. Written for Janino. */
final class GroupLook {
    private static final int MOST_KEYS = 6;
    private final ValueLook look;
    private final LogicalPlan node;

    GroupLook(ValueLook look, LogicalPlan node) {
        this.look = look;
        this.node = node;
    }

    void find() {
        List keys = new ArrayList();
        if (node instanceof Aggregate) addKeys(((Aggregate) node).groupingExpressions().iterator(), keys);
        if (node instanceof Distinct) addKeys(node.output().iterator(), keys);
        if (keys.size() <= MOST_KEYS) look.addAll(keys);
        if (node instanceof Window) addParts(((Window) node).partitionSpec().iterator());
    }

    /** Of keys that come out of the node: what comes out of it are few rows. */
    private void addKeys(scala.collection.Iterator found, List keys) {
        while (found.hasNext()) {
            Expression key = (Expression) found.next();
            Expression shown = node instanceof Aggregate ? shownAs((Aggregate) node, key) : key;
            if (shown != null && look.isWord(key)) keys.add(new ValuePoint(look.groupKind(key), node, ValuePoint.OVER, shown, new Expression[] {shown, shown}));
        }
    }

    private void addParts(scala.collection.Iterator found) {
        while (found.hasNext()) {
            Expression key = (Expression) found.next();
            if (look.isWord(key)) look.add(look.groupKind(key), node, key, new Expression[] {key, key});
        }
    }

    /** The column in which a key of the groups comes out, if it does. */
    private static Expression shownAs(Aggregate groups, Expression key) {
        scala.collection.Iterator columns = groups.aggregateExpressions().iterator();
        while (columns.hasNext()) {
            Expression column = (Expression) columns.next();
            Expression inside = column instanceof Alias ? ((Alias) column).child() : column;
            if (inside.semanticEquals(key)) return ((NamedExpression) column).toAttribute();
        }
        return null;
    }
}
