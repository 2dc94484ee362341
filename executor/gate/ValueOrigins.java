package sluice;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.Max;
import org.apache.spark.sql.catalyst.expressions.aggregate.Min;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StringType;

/** Where the values of a query come from: from Parquet files, or from a column that somebody said is text. Written for Janino. */
final class ValueOrigins {
    private static final int DEEPEST = 400;
    private static final int NOBODY = 0, QUERY = 1, SCHEMA = 2;
    private static final String TEXT = "_sluice_text_";
    private static final Pattern ZONED = Pattern.compile("m.*[XxZOV]");
    private final LogicalPlan plan;
    private final Map makers = new HashMap();
    private Map definitions = null;

    ValueOrigins(LogicalPlan plan) {
        this.plan = plan;
    }

    /** Whether somebody said that it is a text: CAST(… AS STRING), or a column that a schema calls so. */
    boolean isMeant(Expression value) {
        return saidBy(value) != NOBODY;
    }

    /** Whether a schema calls it text, as a proposal does where too many values are neither numbers nor days. */
    boolean isCalled(Expression value) {
        return saidBy(value) == SCHEMA;
    }

    private int saidBy(Expression value) {
        Expression now = value;
        for (int steps = 0; steps < DEEPEST; steps++) {
            if (now instanceof Cast) return QUERY;
            if (now instanceof Attribute) {
                Metadata known = ((Attribute) now).metadata();
                if (known.contains("internal") && !known.getBoolean("internal")) return SCHEMA;
                Object found = definitions().get(Long.valueOf(((Attribute) now).exprId().id()));
                if (!(found instanceof Alias)) return NOBODY;
                now = ((Alias) found).child();
            } else if (now instanceof AggregateExpression) now = (Expression) ((AggregateExpression) now).aggregateFunction();
            else if (now instanceof Max || now instanceof Min) now = (Expression) now.children().apply(0);
            else return NOBODY;
        }
        return NOBODY;
    }

    /** Whether it was read from a column that carries this mark: standIns, where numbers may be no values; noNumbers, where NaN may stand. */
    boolean isMarked(String mark, Expression value) {
        return isMarked(mark, value, 0);
    }

    private boolean isMarked(String mark, Expression value, int depth) {
        scala.collection.Iterator names = value.references().iterator();
        while (names.hasNext()) {
            Attribute name = (Attribute) names.next();
            if (name.metadata().contains(mark)) return true;
            Object found = definitions().get(Long.valueOf(name.exprId().id()));
            if (found instanceof Alias && depth < DEEPEST && isMarked(mark, ((Alias) found).child(), depth + 1)) return true;
        }
        return false;
    }

    /** What a column is made of, where a query says it; else the column itself. */
    Expression meaning(Expression column) {
        Expression now = column;
        for (int steps = 0; steps < DEEPEST && now instanceof Attribute; steps++) {
            Object found = definitions().get(Long.valueOf(((Attribute) now).exprId().id()));
            if (!(found instanceof Alias)) return now;
            now = ((Alias) found).child();
        }
        return now;
    }

    /** The rows of texts, and the column in them, that a typed time was made of by a pattern with a zone; null where it was not. */
    Object[] zonedText(Attribute time) {
        Expression now = time;
        for (int steps = 0; steps < DEEPEST && now instanceof Attribute; steps++) {
            Object found = definitions().get(Long.valueOf(((Attribute) now).exprId().id()));
            if (!(found instanceof Alias)) return null;
            now = ((Alias) found).child();
        }
        scala.collection.Iterator texts = now.references().iterator();
        while (texts.hasNext()) {
            Attribute text = (Attribute) texts.next();
            if (text.name().startsWith(TEXT) && hasZone(now, 0)) return new Object[] {makers.get(Long.valueOf(text.exprId().id())), text};
        }
        return null;
    }

    /** Whether a pattern in it tells a zone. */
    private static boolean hasZone(Expression part, int depth) {
        if (part instanceof Literal && part.dataType() instanceof StringType) return ZONED.matcher(String.valueOf(((Literal) part).value()).replaceAll("'[^']*'", "")).find();
        boolean found = false;
        for (int i = 0; i < part.children().length() && !found && depth < DEEPEST; i++) found = hasZone((Expression) part.children().apply(i), depth + 1);
        return found;
    }

    boolean isFromParquet(Expression value) {
        return isFromParquet(value, 0);
    }

    private boolean isFromParquet(Expression value, int depth) {
        scala.collection.Iterator names = value.references().iterator();
        while (names.hasNext()) {
            Object found = definitions().get(Long.valueOf(((Attribute) names.next()).exprId().id()));
            if (found instanceof LogicalRelation && isParquet((LogicalRelation) found)) return true;
            if (found instanceof Alias && depth < DEEPEST && isFromParquet(((Alias) found).child(), depth + 1)) return true;
        }
        return false;
    }

    private static boolean isParquet(LogicalRelation relation) {
        return relation.relation() instanceof HadoopFsRelation && ((HadoopFsRelation) relation.relation()).fileFormat().getClass().getSimpleName().startsWith("Parquet");
    }

    /** What defines each column of the whole plan: an alias or the file it stands in, by the column's number. */
    private Map definitions() {
        if (definitions != null) return definitions;
        definitions = new HashMap();
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(plan);
        while (!waiting.isEmpty()) {
            LogicalPlan next = (LogicalPlan) waiting.removeFirst();
            if (next instanceof LogicalRelation) noteAll(next.output().iterator(), next, next);
            noteAll(next.expressions().iterator(), null, next);
            scala.collection.Iterator parts = next.children().iterator();
            while (parts.hasNext()) waiting.add(parts.next());
        }
        return definitions;
    }

    private void noteAll(scala.collection.Iterator found, Object origin, LogicalPlan maker) {
        while (found.hasNext()) {
            Object next = found.next();
            if (next instanceof Alias) makers.put(Long.valueOf(((Alias) next).exprId().id()), maker);
            if (next instanceof Alias) definitions.put(Long.valueOf(((Alias) next).exprId().id()), next);
            else if (origin != null) definitions.put(Long.valueOf(((Attribute) next).exprId().id()), origin);
        }
    }
}
