// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import com.maxmind.db.CHMCache;
import com.maxmind.db.DatabaseRecord;
import com.maxmind.db.InvalidDatabaseException;
import com.maxmind.db.InvalidNetworkException;
import com.maxmind.db.Networks;
import com.maxmind.db.Reader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Autonomous systems out of an MMDB file: GeoLite2-ASN, those of DB-IP and IPinfo, and whatever
 * else has their fields.
 *
 * <p>It is read as a whole: an address is then found in much less time than the file itself takes.
 */
public final class AsDatabase extends AsTable {

    /** What the number is called, by MaxMind and DB-IP; by IPinfo. */
    private static final List<String> NUMBERS = List.of("autonomous_system_number", "asn");

    /** What the name is called: by MaxMind and DB-IP; IPinfo's Lite; its others. */
    private static final List<String> NAMES =
            List.of("autonomous_system_organization", "as_name", "name");

    public AsDatabase() {
        this(Duration.ofSeconds(5));
    }

    AsDatabase(Duration interval) {
        super("asDatabase", false, interval);
    }

    @Override
    AddressRanges<AutonomousSystem> load(Path path) throws IOException {
        AddressRanges.Builder<AutonomousSystem> table = new AddressRanges.Builder<>();
        // Mapped, it would have to stay as it is while it is read.
        try (Reader reader = new Reader(path.toFile(), Reader.FileMode.MEMORY, new CHMCache())) {
            @SuppressWarnings("rawtypes")
            Networks<Map> networks = reader.networks(Map.class);
            boolean any = false;
            while (networks.hasNext()) {
                any |= add(networks.next(), table);
            }
            if (!any) {
                throw new IOException(
                        "%s (%s) has none of the fields %s"
                                .formatted(
                                        path,
                                        reader.getMetadata().databaseType(),
                                        String.join(", ", NUMBERS)));
            }
        } catch (InvalidDatabaseException | InvalidNetworkException e) {
            throw new IOException(path + " is no MMDB file, or a broken one: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            throw new IOException(path + " can't be read: " + e, e);
        }
        return table.build();
    }

    @SuppressWarnings("rawtypes")
    private static boolean add(
            DatabaseRecord<Map> network, AddressRanges.Builder<AutonomousSystem> table) {
        byte[] number = number(first(network.data(), NUMBERS));
        if (number == null) {
            return false;
        }
        byte[] octets = network.network().networkAddress().getAddress();
        int length = network.network().prefixLength();
        Object name = first(network.data(), NAMES);
        AutonomousSystem system =
                new AutonomousSystem(
                        number, null, name == null ? null : ColumnWriter.text(name.toString()));
        table.add(octets, length, table.index(system));
        return true;
    }

    private static Object first(Map<?, ?> record, List<String> keys) {
        for (String key : keys) {
            if (record.get(key) != null) {
                return record.get(key);
            }
        }
        return null;
    }

    /** 4 octets; IPinfo writes {@code AS64500}. Null if it is no number. */
    private static byte[] number(Object value) {
        String text = String.valueOf(value);
        try {
            return ByteBuffer.allocate(Integer.BYTES)
                    .putInt(
                            Integer.parseUnsignedInt(
                                    text.startsWith("AS") ? text.substring(2) : text))
                    .array();
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
