package sluice;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** What a value that stops a run tells, as JSON; what is null is left out. Spark's own function for it looks through half of Scala first. Written for Janino. */
public final class CellFacts {
    private CellFacts() {}

    public static UTF8String json(InternalRow facts, StructType type) {
        StringBuilder text = new StringBuilder();
        write(text, facts, type);
        return UTF8String.fromString(text.toString());
    }

    private static void write(StringBuilder text, InternalRow row, StructType type) {
        String before = "{";
        for (int i = 0; i < type.length(); i++) {
            if (row.isNullAt(i)) continue;
            text.append(before);
            quote(text, type.fields()[i].name());
            text.append(':');
            write(text, row, i, type.fields()[i].dataType());
            before = ",";
        }
        text.append(before.equals("{") ? "{}" : "}");
    }

    private static void write(StringBuilder text, SpecializedGetters from, int place, DataType type) {
        if (type instanceof StringType) quote(text, from.getUTF8String(place).toString());
        else if (type instanceof StructType) write(text, from.getStruct(place, ((StructType) type).length()), (StructType) type);
        else if (type instanceof ArrayType) write(text, from.getArray(place), ((ArrayType) type).elementType());
        else text.append(from.get(place, type));
    }

    private static void write(StringBuilder text, ArrayData all, DataType type) {
        text.append('[');
        for (int i = 0; i < all.numElements(); i++) {
            if (i > 0) text.append(',');
            write(text, all, i, type);
        }
        text.append(']');
    }

    private static void quote(StringBuilder text, String given) {
        text.append('"');
        for (int i = 0; i < given.length(); i++) {
            char one = given.charAt(i);
            if (one == '"' || one == '\\') text.append('\\').append(one);
            else if (one < ' ') text.append(String.format("\\u%04x", new Object[] {Integer.valueOf(one)}));
            else text.append(one);
        }
        text.append('"');
    }
}
