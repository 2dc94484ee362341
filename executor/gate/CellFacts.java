package sluice;

import java.io.StringWriter;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.json.JSONOptions;
import org.apache.spark.sql.catalyst.json.JacksonGenerator;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** What a value that stops a run tells, as JSON; what is null is left out. The function to_json would look through half of Scala before any row. Written for Janino. */
public final class CellFacts {
    private CellFacts() {}

    public static UTF8String json(InternalRow facts, StructType type) {
        StringWriter text = new StringWriter();
        scala.collection.immutable.Map options = new scala.collection.immutable.HashMap().updated("ignoreNullFields", "true");
        JacksonGenerator generator = new JacksonGenerator(type, text, new JSONOptions(options, "UTC", ""));
        generator.write(facts);
        generator.flush();
        return UTF8String.fromString(text.toString());
    }
}
