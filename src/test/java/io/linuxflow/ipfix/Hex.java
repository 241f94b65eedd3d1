// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/** Octets written down for people. */
final class Hex {

    private Hex() {}

    /** Of hexadecimal digits, however they are spaced; {@code #} starts a comment. */
    static byte[] octets(String text) {
        return HexFormat.of().parseHex(text.replaceAll("#[^\n]*", "").replaceAll("\\s", ""));
    }

    static ByteBuffer buffer(String text) {
        return ByteBuffer.wrap(octets(text));
    }
}
