// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import java.net.InetAddress;
import java.nio.ByteBuffer;

/**
 * The addresses whose first bits are the same.
 *
 * @param address one of them, of 4 or 16 octets
 * @param length how many bits
 */
public record Prefix(byte[] address, int length) {

    /**
     * Reads {@code 10.0.0.0/8}, {@code fd00::/8}, or an address alone; looks up no names.
     *
     * @throws IllegalArgumentException if the text is neither
     */
    public static Prefix parse(String text) {
        int slash = text.indexOf('/');
        try {
            byte[] address = IpAddress.parse(slash < 0 ? text : text.substring(0, slash));
            int bits = address.length * Byte.SIZE;
            int length = slash < 0 ? bits : Integer.parseInt(text, slash + 1, text.length(), 10);
            if (length >= 0 && length <= bits) {
                return new Prefix(address, length);
            }
        } catch (IllegalArgumentException e) {
            // Said below.
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

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return IpAddress.text(address) + "/" + length;
    }
}
