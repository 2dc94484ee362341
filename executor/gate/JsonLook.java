package sluice;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.util.LineReader;
import org.apache.spark.sql.Row;

/**
 * Looks at JSON files, or texts of a view, before Spark reads them: every key there is, the kinds of its values, and what Spark would lose in silence (a key
 * twice in an object, keys that differ only by case, a second document behind the first, digits that a double does not hold). One pass
 * over the tokens; nothing but keys and counts is kept. Written for Janino.
 */
public final class JsonLook {
    private static final int NULL = 1, BOOLEAN = 2, INTEGER = 4, FRACTION = 8, TEXT = 16, OBJECT = 32, ARRAY = 64, NOT_FINITE = 128;
    private static final int MOST_KEYS = 20000, EXACT_DIGITS = 15;
    /** Deeper documents are refused: each level is a type inside of a type, and whoever makes a query of that needs a stack for it. */
    private static final int DEEPEST = 100;

    /** A place in the documents: the same keys from the root. */
    private static final class Node {
        int kinds, digits;
        /** A number, or the text of one, that programs write for no value: see executor/files/stand_ins.py. */
        boolean hasStandIns;
        long inexact, inexactWhole;
        long seen;
        /** Objects in which the key is; of a place, objects that are there. `before`: those of the files before this one. */
        long times, objects, before, objectsBefore;
        Fold fold;
        LinkedHashMap fields;
        Node item;
    }

    /** Keys of one object that are the same but for case. */
    private static final class Fold {
        long seen;
        String name;
    }

    /** Something that was found: how often, and where first. */
    private static final class Finding {
        long count, record;
        String file, path, first, second;
    }

    private final JsonFactory factory;
    private final Node root = new Node();
    private final Map folds = new HashMap();
    private final LinkedHashMap findings = new LinkedHashMap();
    private long records, objects, objectsBegun;
    private int keys;
    private boolean hasMoreKeys;
    private String file;
    private long record;

    private JsonLook() {
        factory = new JsonFactory();
        factory.configure(JsonParser.Feature.ALLOW_SINGLE_QUOTES, true);
        factory.configure(JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS, true);
        factory.setStreamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(1000).maxNumberLength(1000).maxStringLength(Integer.MAX_VALUE).build());
    }

    /** What is in the files (their paths, one a line), as JSON. `isLines`: each line is a document of its own, else each file is. */
    public static String look(String paths, boolean isLines) throws IOException {
        JsonLook look = new JsonLook();
        String[] files = paths.split("\n");
        for (int i = 0; i < files.length; i++) {
            look.lookAt(files[i], isLines);
            look.compare(look.root, "");
        }
        return look.told();
    }

    /** What is in the texts, each of which is a document of its own. `rows`: a text, or nothing, in the first place of each. */
    public static String lookAtTexts(Iterator rows) throws IOException {
        JsonLook look = new JsonLook();
        look.file = "";
        while (rows.hasNext()) {
            Row row = (Row) rows.next();
            look.record++;
            if (!row.isNullAt(0)) look.document(look.factory.createParser(row.getString(0)));
        }
        return look.told();
    }

    private void lookAt(String path, boolean isLines) throws IOException {
        file = path;
        record = 0;
        Path place = new Path("file://" + path);
        Configuration configuration = new Configuration(false);
        CompressionCodec codec = new CompressionCodecFactory(configuration).getCodec(place);
        InputStream plain = new BufferedInputStream(new java.io.FileInputStream(path), 1 << 16);
        InputStream stream = codec == null ? plain : codec.createInputStream(plain);
        try {
            if (isLines) lines(stream);
            else document(factory.createParser(stream));
        } finally {
            stream.close();
        }
    }

    private void lines(InputStream stream) throws IOException {
        LineReader reader = new LineReader(stream, 1 << 16);
        Text line = new Text();
        while (reader.readLine(line) > 0) {
            record++;
            if (line.getLength() > 0) document(factory.createParser(line.getBytes(), 0, line.getLength()));
        }
    }

    /** One document: an object, a list of objects, or what is neither. */
    private void document(JsonParser parser) throws IOException {
        boolean isLine = record > 0;
        try {
            JsonToken token = parser.nextToken();
            if (token == null) return;
            if (token == JsonToken.START_ARRAY) {
                JsonToken next = parser.nextToken();
                while (next != JsonToken.END_ARRAY) {
                    if (!isLine) record++;
                    element(parser, next);
                    next = parser.nextToken();
                }
            } else {
                if (!isLine) record++;
                element(parser, token);
            }
            if (hasMore(parser)) find("behind", "", "", "");
        } catch (JsonProcessingException error) {
            records++;
            find("broken", "", "", "");
        } finally {
            parser.close();
        }
    }

    /** Whether anything stands behind the document, JSON or not. */
    private static boolean hasMore(JsonParser parser) throws IOException {
        try {
            return parser.nextToken() != null;
        } catch (JsonProcessingException error) {
            return true;
        }
    }

    private void element(JsonParser parser, JsonToken token) throws IOException {
        records++;
        if (token == JsonToken.START_OBJECT) {
            objects++;
            value(parser, token, root, "");
        } else {
            parser.skipChildren();
            find("no-object", "", "", "");
        }
    }

    private void value(JsonParser parser, JsonToken token, Node node, String path) throws IOException {
        if (token == JsonToken.START_OBJECT || token == JsonToken.START_ARRAY) inside(parser, token, node, path);
        else if (token == JsonToken.VALUE_NULL) node.kinds |= NULL;
        else if (token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE) node.kinds |= BOOLEAN;
        else if (token == JsonToken.VALUE_NUMBER_INT) whole(parser, node);
        else if (token == JsonToken.VALUE_NUMBER_FLOAT) fraction(parser, node);
        else text(parser, node, path);
    }

    private void inside(JsonParser parser, JsonToken token, Node node, String path) throws IOException {
        if (parser.getParsingContext().getNestingDepth() > DEEPEST) {
            find("deep", path.length() > 100 ? path.substring(0, 100) : path, "", "");
            parser.skipChildren();
        } else if (token == JsonToken.START_OBJECT) object(parser, node, path);
        else array(parser, node, path);
    }

    /** Half of a pair of signs (one surrogate without the other) is no text: Spark makes a question mark of it. */
    private void text(JsonParser parser, Node node, String path) throws IOException {
        node.kinds |= isNotFinite(parser) ? NOT_FINITE : TEXT;
        markStandIn(parser, node);
        char[] signs = parser.getTextCharacters();
        int end = parser.getTextOffset() + parser.getTextLength();
        for (int i = parser.getTextOffset(); i < end; i++) {
            if (!Character.isSurrogate(signs[i])) continue;
            if (Character.isHighSurrogate(signs[i]) && i + 1 < end && Character.isLowSurrogate(signs[i + 1])) i++;
            else {
                find("half", path, "", "");
                return;
            }
        }
    }

    private void object(JsonParser parser, Node node, String path) throws IOException {
        node.kinds |= OBJECT;
        long serial = ++objectsBegun;
        node.objects++;
        if (node.fields == null) node.fields = new LinkedHashMap();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            JsonToken token = parser.nextToken();
            Node field = field(node, name);
            if (field == null) {
                parser.skipChildren();
                continue;
            }
            if (field.seen == serial) find("twice", path, name, name);
            else if (field.fold.seen == serial) find("by-case", path, field.fold.name, name);
            if (field.seen != serial) field.times++;
            field.seen = serial;
            field.fold.seen = serial;
            field.fold.name = name;
            value(parser, token, field, path.isEmpty() ? name : path + "." + name);
        }
    }

    /** A key that every object of the files before has, and none of this file, which has one of its own in its place. */
    private void compare(Node node, String path) {
        if (node.item != null) compare(node.item, path + "[]");
        if (node.fields == null) return;
        boolean isHere = node.objects > node.objectsBefore;
        String gone = null, come = null;
        Iterator entries = node.fields.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            Node field = (Node) entry.getValue();
            String name = (String) entry.getKey();
            boolean isOften = field.before == node.objectsBefore, isStill = field.times > field.before;
            if (node.objectsBefore > 0 && isOften && !isStill && !isElsewhere(node, field)) gone = gone == null ? name : gone;
            if (field.before == 0 && field.times == node.objects - node.objectsBefore && !isElsewhere(node, field)) come = come == null ? name : come;
            compare(field, path.isEmpty() ? name : path + "." + name);
            field.before = field.times;
        }
        if (isHere && node.objectsBefore > 0 && gone != null && come != null) find("gone", path, gone, come);
        node.objectsBefore = node.objects;
    }

    /** Whether the same key stands there in other letters, capital or small. */
    private static boolean isElsewhere(Node node, Node field) {
        Iterator others = node.fields.values().iterator();
        while (others.hasNext()) {
            Node other = (Node) others.next();
            if (other != field && other.fold == field.fold) return true;
        }
        return false;
    }

    private Node field(Node node, String name) {
        Node field = (Node) node.fields.get(name);
        if (field != null) return field;
        if (keys >= MOST_KEYS) {
            hasMoreKeys = true;
            return null;
        }
        keys++;
        field = new Node();
        String folded = System.identityHashCode(node) + ":" + name.toLowerCase(Locale.ROOT);
        field.fold = (Fold) folds.get(folded);
        if (field.fold == null) folds.put(folded, field.fold = new Fold());
        node.fields.put(name, field);
        return field;
    }

    private void array(JsonParser parser, Node node, String path) throws IOException {
        node.kinds |= ARRAY;
        if (node.item == null) node.item = new Node();
        JsonToken token = parser.nextToken();
        while (token != JsonToken.END_ARRAY) {
            value(parser, token, node.item, path + "[]");
            token = parser.nextToken();
        }
    }

    private static void whole(JsonParser parser, Node node) throws IOException {
        node.kinds |= INTEGER;
        markStandIn(parser, node);
        int length = parser.getTextLength();
        if (length > node.digits) node.digits = Math.max(node.digits, digitsOf(parser.getText()));
        if (length > EXACT_DIGITS && isInexact(parser)) node.inexactWhole++;
    }

    /** Digits of a whole number; 18, the most that always fit 64 bits, where it fits them with 19. */
    private static int digitsOf(String text) {
        int digits = text.startsWith("-") ? text.length() - 1 : text.length();
        return digits == 19 && new java.math.BigInteger(text).bitLength() <= 63 ? 18 : digits;
    }

    private static void fraction(JsonParser parser, Node node) throws IOException {
        String text = parser.getText();
        if (parser.isNaN()) {
            node.kinds |= NOT_FINITE;
            return;
        }
        node.kinds |= FRACTION;
        markStandIn(parser, node);
        boolean isLong = text.length() > EXACT_DIGITS || text.indexOf('e') >= 0 || text.indexOf('E') >= 0;
        if (isLong && isInexact(parser)) node.inexact++;
    }

    private static void markStandIn(JsonParser parser, Node node) throws IOException {
        if (node.hasStandIns || !StandIns.mayBeOne(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength())) return;
        node.hasStandIns = StandIns.isOne(parser.getText());
    }

    /** Whether a double would tell another number than the text. */
    private static boolean isInexact(JsonParser parser) throws IOException {
        String text = parser.getText();
        double held = Double.parseDouble(text);
        if (Double.isInfinite(held)) return true;
        BigDecimal given;
        try {
            given = new BigDecimal(text);
        } catch (NumberFormatException error) {
            return true;
        }
        if (held == 0.0) return given.signum() != 0;
        return new BigDecimal(Double.toString(held)).compareTo(given) != 0;
    }

    private static boolean isNotFinite(JsonParser parser) throws IOException {
        if (parser.getTextLength() > 9) return false;
        String text = parser.getText();
        return text.equals("NaN") || text.equals("Infinity") || text.equals("-Infinity") || text.equals("+INF") || text.equals("INF") || text.equals("-INF");
    }

    private void find(String kind, String path, String first, String second) {
        Finding finding = (Finding) findings.get(kind);
        if (finding == null) {
            finding = new Finding();
            finding.file = file;
            finding.record = record;
            finding.path = path;
            finding.first = first;
            finding.second = second;
            findings.put(kind, finding);
        }
        finding.count++;
    }

    // --- the answer

    private String told() throws IOException {
        StringWriter text = new StringWriter();
        JsonGenerator out = new JsonFactory().createGenerator(text);
        out.writeStartObject();
        out.writeNumberField("records", records);
        out.writeNumberField("objects", objects);
        out.writeBooleanField("has_more_keys", hasMoreKeys);
        out.writeFieldName("findings");
        out.writeStartObject();
        Iterator kinds = findings.entrySet().iterator();
        while (kinds.hasNext()) {
            Map.Entry entry = (Map.Entry) kinds.next();
            Finding finding = (Finding) entry.getValue();
            out.writeFieldName((String) entry.getKey());
            out.writeStartObject();
            out.writeNumberField("count", finding.count);
            out.writeNumberField("record", finding.record);
            out.writeStringField("file", finding.file);
            out.writeStringField("path", finding.path);
            out.writeStringField("first", finding.first);
            out.writeStringField("second", finding.second);
            out.writeEndObject();
        }
        out.writeEndObject();
        out.writeFieldName("root");
        write(out, root);
        out.writeEndObject();
        out.close();
        return text.toString();
    }

    private static void write(JsonGenerator out, Node node) throws IOException {
        out.writeStartObject();
        out.writeNumberField("kinds", node.kinds);
        if (node.digits > 0) out.writeNumberField("digits", node.digits);
        if (node.hasStandIns) out.writeBooleanField("stand_ins", true);
        if (node.inexact > 0) out.writeNumberField("inexact", node.inexact);
        if (node.inexactWhole > 0) out.writeNumberField("inexact_whole", node.inexactWhole);
        if (node.fields != null) {
            out.writeFieldName("fields");
            out.writeStartObject();
            Iterator fields = node.fields.entrySet().iterator();
            while (fields.hasNext()) {
                Map.Entry entry = (Map.Entry) fields.next();
                out.writeFieldName((String) entry.getKey());
                write(out, (Node) entry.getValue());
            }
            out.writeEndObject();
        }
        if (node.item != null) {
            out.writeFieldName("item");
            write(out, node.item);
        }
        out.writeEndObject();
    }
}
