package sluice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.ObjectType;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/** The functions of SQL with which TypingTransform reads cells, for its own expressions: the gate refuses their names in a query. Written for Janino. */
public final class CellFunctions extends AbstractFunction1 {
    private static final String[] NAMES = {"trimmed", "integer", "long", "double", "decimal", "is_inexact", "is_maybe_code", "moment", "moment_in", "is_shown_again", "facts"};
    private final String name;

    private CellFunctions(String name) {
        this.name = name;
    }

    /** They are called sluice_…; see `executor/stages/typed_values.py`. */
    public static void register(FunctionRegistry registry) {
        for (int i = 0; i < NAMES.length; i++) registry.createOrReplaceTempFunction("sluice_" + NAMES[i], new CellFunctions(NAMES[i]), "internal");
    }

    public Object apply(Object arguments) {
        List given = new ArrayList(CollectionConverters.asJava((scala.collection.Seq) arguments));
        Expression first = (Expression) given.get(0);
        if (name.equals("trimmed")) return called(CellValues.class, DataTypes.StringType, "trimmed", given);
        if (name.equals("integer")) return called(CellValues.class, DataTypes.IntegerType, "integer", given);
        if (name.equals("long")) return called(CellValues.class, DataTypes.LongType, "whole", given);
        if (name.equals("double")) return called(CellValues.class, DataTypes.DoubleType, "doubled", given);
        if (name.equals("decimal")) return called(CellValues.class, new DecimalType(number(given, 1), number(given, 2)), "decimal", given);
        if (name.equals("is_inexact")) return called(CellValues.class, DataTypes.BooleanType, "isInexact", given);
        if (name.equals("is_maybe_code")) return called(CellValues.class, DataTypes.BooleanType, "isMaybeCode", given);
        if (name.equals("moment")) {
            CellShape shape = CellShape.of(text(given, 1));
            if (shape == null) return new Literal(null, DataTypes.TimestampType);
            return called(CellShape.class, DataTypes.TimestampType, "moment", with(first, shape));
        }
        if (name.equals("facts")) return called(CellFacts.class, DataTypes.StringType, "json", with(first, first.dataType()));
        CellZone zone = new CellZone(text(given, 1), given.size() > 2 ? text(given, 2) : "");
        if (name.equals("moment_in")) return called(CellZone.class, DataTypes.TimestampType, "momentOf", with(first, zone));
        return called(CellZone.class, DataTypes.BooleanType, "isShownAgain", with(first, zone));
    }

    private static List with(Expression first, Object given) {
        return Arrays.asList(new Object[] {first, new Literal(given, new ObjectType(given.getClass()))});
    }

    private static String text(List given, int place) {
        return String.valueOf(((Literal) given.get(place)).value());
    }

    private static int number(List given, int place) {
        return ((Integer) ((Literal) given.get(place)).value()).intValue();
    }

    private static Expression called(Class owner, DataType type, String method, List given) {
        scala.collection.immutable.Seq none = CollectionConverters.asScala(new ArrayList()).toList();
        scala.collection.immutable.Seq all = CollectionConverters.asScala(given).toList();
        return new StaticInvoke(owner, type, method, all, none, true, true, true, scala.Option.empty());
    }
}
