package sluice;

import io.delta.storage.S3SingleDriverLogStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Arrays;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.s3a.RemoteFileChangedException;

/**
 * How Delta writes its commits to S3: the server refuses one whose place is taken. Delta's own class asks whether the place is free and then
 * writes: of two processes that commit at once, one would lose its rows and be told that all is well.
 */
public final class S3LogStore extends S3SingleDriverLogStore {
    private static final String UNLESS_THERE = "fs.option.create.conditional.overwrite";

    public S3LogStore(Configuration configuration) {
        super(configuration);
    }

    @Override
    public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration configuration) throws IOException {
        if (overwrite) {
            super.write(path, actions, true, configuration);
            return;
        }
        FileSystem files = path.getFileSystem(configuration);
        byte[] commit = bytes(actions); // whole, before anything is sent: a stream that is closed half full is a commit, too
        try {
            // "overwrite": Hadoop shall not look for itself, which proves nothing
            FSDataOutputStream out = (FSDataOutputStream) files.createFile(path).overwrite(true).must(UNLESS_THERE, true).build();
            out.write(commit);
            out.close();
        } catch (RemoteFileChangedException taken) {
            if (!Arrays.equals(commit, there(files, path))) {
                throw new FileAlreadyExistsException(path.toString());
            } // ours: it was sent twice, because the answer to the first was lost
        }
    }

    private static byte[] bytes(Iterator<String> actions) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (actions.hasNext()) {
            all.write((actions.next() + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return all.toByteArray();
    }

    private static byte[] there(FileSystem files, Path path) throws IOException {
        FSDataInputStream in = files.open(path);
        try {
            return in.readAllBytes();
        } finally {
            in.close();
        }
    }
}
