// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.IpAddress;
import io.linuxflow.flow.Prefix;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * Autonomous systems and BGP next hops out of a table of prefixes, as one that a BGP daemon dumps;
 * a line is {@code prefix,AS,next hop[,name]}:
 *
 * <pre>
 * # comments, empty lines, and a header are skipped
 * 192.0.2.0/24,64500,10.0.0.1,Example Corp.
 * 2001:db8::/32,AS64501,,"A ""quoted"" name"
 * </pre>
 *
 * <p>Anything after the third comma is the name, commas included. AS, next hop and name may be
 * empty. Bits of a prefix beyond its length don't count, and of a prefix that is there twice the
 * later line does. Prefix lengths are not exported from here: those that IPFIX means are the
 * routing table's, see {@link Fib}.
 */
public final class PrefixTable extends AsTable {

    public PrefixTable() {
        this(Duration.ofSeconds(5));
    }

    PrefixTable(Duration interval) {
        super("prefixTable", true, interval);
    }

    @Override
    AddressRanges<AutonomousSystem> load(Path path) throws IOException {
        AddressRanges.Builder<AutonomousSystem> table = new AddressRanges.Builder<>();
        // What follows the prefix is the same in many lines.
        Map<String, Integer> systems = new HashMap<>();
        int number = 0;
        boolean headerMayCome = true;
        // Not Files.newBufferedReader: a name that is not UTF-8 is no reason to go without.
        try (BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(
                                Files.newInputStream(path), StandardCharsets.UTF_8))) {
            for (String line; (line = lines.readLine()) != null; ) {
                number++;
                String text = line.strip();
                if (number == 1 && text.startsWith("\ufeff")) {
                    text = text.substring(1);
                }
                if (text.isEmpty() || text.charAt(0) == '#') {
                    continue;
                }
                if (!(headerMayCome && isHeader(text))) {
                    add(text, table, systems);
                }
                headerMayCome = false;
            }
        } catch (IllegalArgumentException e) {
            throw new IOException(path + " line " + number + ": " + e.getMessage(), e);
        }
        return table.build();
    }

    private static boolean isHeader(String line) {
        return field(line, 0).chars().noneMatch(c -> c == '.' || c == ':' || c == '/');
    }

    private static void add(
            String line,
            AddressRanges.Builder<AutonomousSystem> table,
            Map<String, Integer> systems) {
        Prefix prefix = Prefix.parse(field(line, 0));
        int rest = line.indexOf(',');
        int index =
                systems.computeIfAbsent(
                        rest < 0 ? "" : line.substring(rest), any -> table.index(system(line)));
        table.add(prefix.address(), prefix.length(), index);
    }

    private static AutonomousSystem system(String line) {
        String nextHop = field(line, 2);
        return new AutonomousSystem(
                number(field(line, 1)),
                nextHop.isEmpty() ? null : IpAddress.parse(nextHop),
                name(line));
    }

    private static byte[] number(String text) {
        if (text.isEmpty()) {
            return null;
        }
        String digits = text.regionMatches(true, 0, "AS", 0, 2) ? text.substring(2) : text;
        try {
            int dot = digits.indexOf('.');
            // asplain or asdot, RFC 5396.
            int number =
                    dot < 0
                            ? Integer.parseUnsignedInt(digits)
                            : half(digits.substring(0, dot)) << 16
                                    | half(digits.substring(dot + 1));
            return ByteBuffer.allocate(Integer.BYTES).putInt(number).array();
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is no AS number, as 64500 or AS64500 are");
        }
    }

    private static int half(String digits) {
        int value = Integer.parseUnsignedInt(digits);
        if (value >>> 16 != 0) {
            throw new NumberFormatException();
        }
        return value;
    }

    /** What follows the third comma. */
    private static byte[] name(String line) {
        int from = start(line, 3);
        if (from < 0) {
            return null;
        }
        String name = line.substring(from).strip();
        if (name.length() >= 2 && name.startsWith("\"") && name.endsWith("\"")) {
            name = name.substring(1, name.length() - 1).replace("\"\"", "\"");
        }
        return ColumnWriter.text(name);
    }

    /** A field, empty if the line ends before. */
    private static String field(String line, int field) {
        int from = start(line, field);
        if (from < 0) {
            return "";
        }
        int comma = line.indexOf(',', from);
        return line.substring(from, comma < 0 ? line.length() : comma).strip();
    }

    private static int start(String line, int field) {
        int from = 0;
        for (int i = 0; i < field; i++) {
            int comma = line.indexOf(',', from);
            if (comma < 0) {
                return -1;
            }
            from = comma + 1;
        }
        return from;
    }
}
