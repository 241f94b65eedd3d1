// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.regex.Pattern;

/**
 * The addresses whose first bits are the same.
 *
 * @param address one of them, of 4 or 16 octets
 * @param length how many bits
 */
public record Prefix(byte[] address, int length) {

    /** Reads {@code 10.0.0.0/8}, {@code fd00::/8}, or an address alone; looks up no names. */
    public static Prefix parse(String text) {
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

    /** Whether an address of 4 or 16 octets is one of them. */
    public boolean contains(InetAddress other) {
        byte[] octets = other.getAddress();
        return octets.length == address.length && contains(ByteBuffer.wrap(octets), 0);
    }

    /**
     * The same of an address of as many octets as those of the prefix.
     *
     * @param at where it begins
     */
    boolean contains(ByteBuffer octets, int at) {
        for (int bit = 0; bit < length; bit += 8) {
            int mask = length - bit >= 8 ? 0xff : 0xff00 >> length - bit;
            if (((octets.get(at + bit / 8) ^ address[bit / 8]) & mask) != 0) {
                return false;
            }
        }
        return true;
    }

    /** As RFC 5952 has it: the longest run of zeros left out. */
    public static String text(InetAddress address) {
        String full = address.getHostAddress();
        String best = "";
        var runs = Pattern.compile("(?:^|:)0(?::0)+(?::|$)").matcher(full);
        while (runs.find()) {
            best = runs.group().length() > best.length() ? runs.group() : best;
        }
        return best.isEmpty() ? full : full.replaceFirst(Pattern.quote(best), "::");
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        try {
            return text(InetAddress.getByAddress(address)) + "/" + length;
        } catch (UnknownHostException e) {
            throw new IllegalStateException(address.length + " octets are no address", e);
        }
    }
}
