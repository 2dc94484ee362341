package sluice;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;

/** Certificates of a PEM file as a store of Java's own, for SQL Server's driver, which reads no other. */
final class TrustStore {
    private static final String FILE = "sluice.trusted";
    /** Nothing in the store is secret, but one without a password is not read. */
    private static final String PASSWORD = "certificates";
    private static final Map<String, String> MADE = new ConcurrentHashMap<String, String>();

    private TrustStore() {}

    /** Puts the driver's options for the store in the place of ours for the file. */
    static void puts(Properties told) throws SQLException {
        String file = (String) told.remove(FILE);
        if (file == null) {
            return;
        }
        try {
            told.put("trustStore", made(file));
            told.put("trustStoreType", "PKCS12");
            told.put("trustStorePassword", PASSWORD);
        } catch (Exception error) {
            throw new SQLException("The certificates that are trusted cannot be read.", "08001", error);
        }
    }

    static synchronized String made(String file) throws IOException, GeneralSecurityException {
        String known = (String) MADE.get(file);
        if (known != null) {
            return known;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        InputStream in = Files.newInputStream(Paths.get(file));
        try {
            int number = 0;
            for (Object one : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("authority-" + number++, (Certificate) one);
            }
        } finally {
            in.close();
        }
        Path path = Files.createTempFile("authorities-", ".p12");
        path.toFile().deleteOnExit();
        OutputStream out = Files.newOutputStream(path);
        try {
            store.store(out, PASSWORD.toCharArray());
        } finally {
            out.close();
        }
        MADE.put(file, path.toString());
        return path.toString();
    }
}
