package sluice;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.impl.ColumnReadStoreImpl;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.FileMetaData;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;
import org.apache.spark.sql.execution.datasources.parquet.ParquetFileFormat;
import org.apache.spark.sql.execution.datasources.parquet.ParquetToSparkSchemaConverter;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructType;

/**
 * Looks at the footers of Parquet files before Spark reads them: the columns and types of every file, as Parquet and as Spark have them,
 * and the number of rows. Types that Spark refuses are given to it without their annotation, as the plain numbers or bytes they are, and
 * named, so that whoever reads can make values of them again. Written for Janino.
 */
public final class ParquetLook {
    private static final int THREADS = 4;
    /** Ways to pack that Spark can unpack. */
    private static final String UNPACKED = " UNCOMPRESSED SNAPPY GZIP ZSTD LZ4 LZ4_RAW ";

    /** What one file has. */
    private static final class Found {
        String file, message, error, trouble, where;
        MessageType schema;
        Map keyValues;
        /** Column → how many of its old times (INT96) are finer than microseconds. */
        LinkedHashMap tooFine = new LinkedHashMap();
        /** Columns whose least or greatest value may stand for none. */
        LinkedHashSet standIns = new LinkedHashSet();
        /** Columns in which NaN may stand. */
        LinkedHashSet noNumbers = new LinkedHashSet();
        long rows;
    }

    /** The schemas of the files (their paths, one a line), each with its files, as JSON. `isCounting`: old times are counted, too, which
     * reads all of their columns. */
    public static String look(String paths, final boolean isCounting) throws Exception {
        String[] files = paths.split("\n");
        final Configuration configuration = new Configuration(false);
        ExecutorService pool = Executors.newFixedThreadPool(Math.min(THREADS, files.length));
        List waiting = new ArrayList();
        for (int i = 0; i < files.length; i++) {
            final String file = files[i];
            waiting.add(pool.submit(new Callable() {
                public Object call() {
                    return found(file, configuration, isCounting);
                }
            }));
        }
        pool.shutdown();
        LinkedHashMap bySchema = new LinkedHashMap();
        for (int i = 0; i < waiting.size(); i++) {
            Found found = (Found) ((Future) waiting.get(i)).get();
            List same = (List) bySchema.get(found.message);
            if (same == null) bySchema.put(found.message, same = new ArrayList());
            same.add(found);
        }
        return told(bySchema);
    }

    private static Found found(String file, Configuration configuration, boolean isCounting) {
        Found found = new Found();
        found.file = file;
        found.message = "";
        try {
            ParquetFileReader reader = ParquetFileReader.open(HadoopInputFile.fromPath(new Path("file://" + file), configuration));
            try {
                FileMetaData facts = reader.getFooter().getFileMetaData();
                found.schema = facts.getSchema();
                found.keyValues = facts.getKeyValueMetaData();
                Object own = found.keyValues.get("org.apache.spark.sql.parquet.row.metadata");
                found.message = found.schema.toString() + (own == null ? "" : own.toString());
                found.rows = reader.getRecordCount();
                findStandIns(found, reader.getFooter());
                findTrouble(found, reader.getFooter());
                boolean isSparks = found.keyValues.containsKey("org.apache.spark.version");
                if (isCounting && found.trouble == null && !isSparks) countOldTimes(found, reader, facts.getCreatedBy());
            } finally {
                reader.close();
            }
        } catch (Exception error) {
            found.error = String.valueOf(error.getMessage());
            found.message = "error " + file;
        }
        return found;
    }

    /** Spark cuts the times of this old type to microseconds and says nothing of it; its own files never hold more. */
    private static void countOldTimes(Found found, ParquetFileReader reader, String writer) throws IOException {
        List columns = found.schema.getColumns();
        List old = new ArrayList();
        for (int i = 0; i < columns.size(); i++) {
            ColumnDescriptor column = (ColumnDescriptor) columns.get(i);
            if (column.getPrimitiveType().getPrimitiveTypeName() == PrimitiveType.PrimitiveTypeName.INT96) old.add(column);
        }
        if (old.isEmpty()) return;
        reader.setRequestedSchema(old);
        PageReadStore pages = reader.readNextRowGroup();
        while (pages != null) {
            GroupConverter nothing = new GroupRecordConverter(found.schema).getRootConverter();
            ColumnReadStoreImpl store = new ColumnReadStoreImpl(pages, nothing, found.schema, writer);
            for (int i = 0; i < old.size(); i++) {
                ColumnDescriptor column = (ColumnDescriptor) old.get(i);
                long many = tooFine(store.getColumnReader(column), column.getMaxDefinitionLevel());
                Long before = (Long) found.tooFine.get(column.getPath()[0]);
                if (many > 0) found.tooFine.put(column.getPath()[0], Long.valueOf(many + (before == null ? 0 : before.longValue())));
            }
            pages = reader.readNextRowGroup();
        }
    }

    private static long tooFine(ColumnReader values, int level) {
        long many = 0;
        for (long left = values.getTotalValueCount(); left > 0; left--) {
            if (values.getCurrentDefinitionLevel() == level) {
                if (values.getBinary().toByteBuffer().order(ByteOrder.LITTLE_ENDIAN).getLong() % 1000 != 0) many++;
            }
            values.consume();
        }
        return many;
    }

    private static void findStandIns(Found found, ParquetMetadata footer) {
        String maker = String.valueOf(footer.getFileMetaData().getCreatedBy());
        Iterator blocks = footer.getBlocks().iterator();
        while (blocks.hasNext()) {
            Iterator columns = ((BlockMetaData) blocks.next()).getColumns().iterator();
            while (columns.hasNext()) {
                ColumnChunkMetaData column = (ColumnChunkMetaData) columns.next();
                Statistics known = column.getStatistics();
                if (mayHaveNaN(column, known, maker)) found.noNumbers.add(column.getPath().toArray()[0]);
                if (known == null || !known.hasNonNullValue()) continue;
                if (StandIns.isOne(known.minAsString()) || StandIns.isOne(known.maxAsString())) found.standIns.add(column.getPath().toArray()[0]);
            }
        }
    }

    /** Spark's own library tells no least and no greatest value where there is NaN; others leave NaN out, and say nothing of it. */
    private static boolean mayHaveNaN(ColumnChunkMetaData column, Statistics known, String maker) {
        PrimitiveType.PrimitiveTypeName type = column.getPrimitiveType().getPrimitiveTypeName();
        if (type != PrimitiveType.PrimitiveTypeName.DOUBLE && type != PrimitiveType.PrimitiveTypeName.FLOAT) return false;
        boolean isAllNull = known != null && known.isNumNullsSet() && known.getNumNulls() == column.getValueCount();
        return !isAllNull && (!maker.startsWith("parquet-mr") || known == null || !known.hasNonNullValue());
    }

    /** What in the file Spark cannot unpack, and would say in words that help nobody; each such file stands alone. */
    private static void findTrouble(Found found, ParquetMetadata footer) throws IOException {
        if (footer.getFileMetaData().getEncryptionType() != FileMetaData.EncryptionType.UNENCRYPTED) found.trouble = "encrypted";
        long end = 4;
        Iterator blocks = footer.getBlocks().iterator();
        while (blocks.hasNext()) {
            Iterator chunks = ((BlockMetaData) blocks.next()).getColumns().iterator();
            while (chunks.hasNext()) {
                ColumnChunkMetaData chunk = (ColumnChunkMetaData) chunks.next();
                if (found.trouble == null && UNPACKED.indexOf(" " + chunk.getCodec().name() + " ") < 0) found.trouble = "codec " + chunk.getCodec().name();
                if (found.trouble == null && chunk.getEncodings().contains(Encoding.BYTE_STREAM_SPLIT)) found.trouble = "encoding BYTE_STREAM_SPLIT";
                if (found.trouble != null && found.where == null) found.where = chunk.getPath().toDotString();
                end = Math.max(end, chunk.getStartingPos() + chunk.getTotalSize());
            }
        }
        if (found.trouble == null && end > footerAt(found.file)) found.trouble = "cut";
        if (found.trouble != null) found.message = "trouble " + found.file;
    }

    /** Where the footer begins, behind the last of the data. */
    private static long footerAt(String path) throws IOException {
        java.io.RandomAccessFile file = new java.io.RandomAccessFile(path, "r");
        try {
            file.seek(file.length() - 8);
            return file.length() - 8 - Integer.reverseBytes(file.readInt());
        } finally {
            file.close();
        }
    }

    private static String told(Map bySchema) throws IOException {
        StringWriter text = new StringWriter();
        JsonGenerator out = new JsonFactory().createGenerator(text);
        ParquetToSparkSchemaConverter converter = new ParquetToSparkSchemaConverter(SQLConf.get());
        out.writeStartArray();
        Iterator groups = bySchema.values().iterator();
        while (groups.hasNext()) write(out, (List) groups.next(), converter);
        out.writeEndArray();
        out.close();
        return text.toString();
    }

    private static void writeNames(JsonGenerator out, String field, LinkedHashSet names) throws IOException {
        out.writeFieldName(field);
        out.writeStartArray();
        Iterator each = names.iterator();
        while (each.hasNext()) out.writeString((String) each.next());
        out.writeEndArray();
    }

    private static void write(JsonGenerator out, List same, ParquetToSparkSchemaConverter converter) throws IOException {
        Found first = (Found) same.get(0);
        long rows = 0;
        LinkedHashMap tooFine = new LinkedHashMap();
        LinkedHashSet standIns = new LinkedHashSet(), noNumbers = new LinkedHashSet();
        out.writeStartObject();
        out.writeFieldName("files");
        out.writeStartArray();
        for (int i = 0; i < same.size(); i++) {
            out.writeString(((Found) same.get(i)).file);
            rows += ((Found) same.get(i)).rows;
            standIns.addAll(((Found) same.get(i)).standIns);
            noNumbers.addAll(((Found) same.get(i)).noNumbers);
            Iterator each = ((Found) same.get(i)).tooFine.entrySet().iterator();
            while (each.hasNext()) {
                Map.Entry entry = (Map.Entry) each.next();
                Long before = (Long) tooFine.get(entry.getKey());
                tooFine.put(entry.getKey(), Long.valueOf(((Long) entry.getValue()).longValue() + (before == null ? 0 : before.longValue())));
            }
        }
        out.writeEndArray();
        out.writeNumberField("rows", rows);
        writeNames(out, "stand_ins", standIns);
        writeNames(out, "no_numbers", noNumbers);
        out.writeFieldName("too_fine");
        out.writeStartObject();
        Iterator fine = tooFine.entrySet().iterator();
        while (fine.hasNext()) {
            Map.Entry entry = (Map.Entry) fine.next();
            out.writeNumberField((String) entry.getKey(), ((Long) entry.getValue()).longValue());
        }
        out.writeEndObject();
        if (first.trouble != null) {
            out.writeStringField("trouble", first.trouble);
            if (first.where != null) out.writeStringField("where", first.where);
        }
        if (first.error != null) {
            out.writeStringField("error", first.error);
        } else {
            out.writeFieldName("columns");
            out.writeStartArray();
            for (int i = 0; i < first.schema.getFieldCount(); i++) column(out, first, first.schema.getType(i), converter);
            out.writeEndArray();
        }
        out.writeEndObject();
    }

    /** One column: its name, Spark's field for it as JSON (left out where Spark can read it in no form), and Parquet's type. */
    private static void column(JsonGenerator out, Found file, Type type, ParquetToSparkSchemaConverter converter) throws IOException {
        out.writeStartObject();
        out.writeStringField("name", type.getName());
        out.writeFieldName("parquet");
        tree(out, type);
        String field = spark(file, plain(type), converter);
        if (field != null) {
            out.writeFieldName("spark");
            out.writeRawValue(field);
        }
        out.writeEndObject();
    }

    private static String spark(Found file, Type type, ParquetToSparkSchemaConverter converter) {
        List types = new ArrayList();
        types.add(type);
        try {
            StructType converted = converter.convert(new MessageType("schema", types));
            return converted.fields()[0].dataType().json();
        } catch (Exception error) {
            return null;
        }
    }

    /** The type less every annotation that Spark refuses. */
    private static Type plain(Type type) {
        if (type.isPrimitive()) return kindOf(type.asPrimitiveType()).isEmpty() ? type : bare(type.asPrimitiveType());
        GroupType group = type.asGroupType();
        List fields = new ArrayList();
        for (int i = 0; i < group.getFieldCount(); i++) fields.add(plain(group.getType(i)));
        return group.withNewFields(fields);
    }

    private static Type bare(PrimitiveType type) {
        return new PrimitiveType(type.getRepetition(), type.getPrimitiveTypeName(), type.getTypeLength(), type.getName());
    }

    /** Which refused type a value is of; empty for those that Spark reads. */
    private static String kindOf(PrimitiveType type) {
        LogicalTypeAnnotation annotation = type.getLogicalTypeAnnotation();
        if (annotation == null) return "";
        if (annotation instanceof LogicalTypeAnnotation.TimestampLogicalTypeAnnotation) {
            LogicalTypeAnnotation.TimestampLogicalTypeAnnotation stamp = (LogicalTypeAnnotation.TimestampLogicalTypeAnnotation) annotation;
            if (stamp.getUnit() != LogicalTypeAnnotation.TimeUnit.NANOS) return "";
            return stamp.isAdjustedToUTC() ? "timestamp-nanos" : "timestamp-ntz-nanos";
        }
        if (annotation instanceof LogicalTypeAnnotation.TimeLogicalTypeAnnotation) {
            return "time-" + ((LogicalTypeAnnotation.TimeLogicalTypeAnnotation) annotation).getUnit().toString().toLowerCase();
        }
        if (annotation instanceof LogicalTypeAnnotation.Float16LogicalTypeAnnotation) return "float16";
        if (annotation instanceof LogicalTypeAnnotation.UUIDLogicalTypeAnnotation) return "uuid";
        if (annotation instanceof LogicalTypeAnnotation.IntervalLogicalTypeAnnotation) return "interval";
        if (annotation instanceof LogicalTypeAnnotation.UnknownLogicalTypeAnnotation) return "null";
        if (annotation instanceof LogicalTypeAnnotation.GeometryLogicalTypeAnnotation || annotation instanceof LogicalTypeAnnotation.GeographyLogicalTypeAnnotation) return "geometry";
        if (annotation instanceof LogicalTypeAnnotation.DecimalLogicalTypeAnnotation) {
            return ((LogicalTypeAnnotation.DecimalLogicalTypeAnnotation) annotation).getPrecision() > 38 ? "decimal-wide" : "";
        }
        return "";
    }

    private static void tree(JsonGenerator out, Type type) throws IOException {
        out.writeStartObject();
        out.writeStringField("name", type.getName());
        out.writeBooleanField("repeated", type.isRepetition(Type.Repetition.REPEATED));
        LogicalTypeAnnotation annotation = type.getLogicalTypeAnnotation();
        if (type.isPrimitive()) {
            out.writeStringField("type", annotation == null ? type.asPrimitiveType().getPrimitiveTypeName().toString() : annotation.toString());
            out.writeStringField("kind", kindOf(type.asPrimitiveType()));
        } else {
            out.writeStringField("type", annotation == null ? "group" : annotation.toString());
            out.writeFieldName("fields");
            out.writeStartArray();
            for (int i = 0; i < type.asGroupType().getFieldCount(); i++) tree(out, type.asGroupType().getType(i));
            out.writeEndArray();
        }
        out.writeEndObject();
    }
}
