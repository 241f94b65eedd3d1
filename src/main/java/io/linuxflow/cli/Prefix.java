// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The addresses whose first bits are the same.
 *
 * @param address one of them, of 4 or 16 octets
 * @param length how many bits
 */
record Prefix(byte[] address, int length) {

    /** Reads {@code 10.0.0.0/8}, {@code fd00::/8}, or an address alone; looks up no names. */
    static Prefix parse(String text) {
        String[] parts = text.split("/", 2);
        if (parts[0].matches("[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")) {
            try {
                byte[] address = InetAddress.getByName(parts[0]).getAddress();
                int length = parts.length == 1 ? address.length * 8 : Integer.parseInt(parts[1]);
                if (length >= 0 && length <= address.length * 8) {
                    return new Prefix(address, length);
                }
            } catch (UnknownHostException | NumberFormatException e) {
                // Said below.
            }
        }
        throw new IllegalArgumentException(
                "\""
                        + text
                        + "\" is no address or prefix, as 192.0.2.1, 10.0.0.0/8 or fd00::/8 are");
    }

    boolean contains(InetAddress other) {
        byte[] octets = other.getAddress();
        if (octets.length != address.length) {
            return false;
        }
        for (int bit = 0; bit < length; bit++) {
            int mask = 0x80 >> bit % 8;
            if (((octets[bit / 8] ^ address[bit / 8]) & mask) != 0) {
                return false;
            }
        }
        return true;
    }

    /** As RFC 5952 has it: the longest run of zeros left out. */
    static String text(InetAddress address) {
        String full = address.getHostAddress();
        String best = "";
        var runs = Pattern.compile("(?:^|:)0(?::0)+(?::|$)").matcher(full);
        while (runs.find()) {
            best = runs.group().length() > best.length() ? runs.group() : best;
        }
        return best.isEmpty() ? full : full.replaceFirst(Pattern.quote(best), "::");
    }

    static final class Converter implements ITypeConverter<Prefix> {
        @Override
        public Prefix convert(String text) {
            try {
                return parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
