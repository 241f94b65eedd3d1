// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

/** Texts in UTF-8, as fields of variable length (RFC 7011, section 7). */
final class Text {

    /** The length of a longer one does not fit in the one octet before it, and takes two more. */
    private static final int LONGEST_SHORT = 254;

    private Text() {}

    /**
     * How much of a text fits.
     *
     * @param text null is empty
     * @param most octets there is room for
     * @return octets, all of whole characters
     */
    static int cut(byte[] text, int most) {
        if (text == null) {
            return 0;
        }
        if (text.length <= most) {
            return text.length;
        }
        int end = most;
        while (end > 0 && (text[end] & 0xc0) == 0x80) {
            end--;
        }
        return end;
    }

    /**
     * How much of a text fits as a field of variable length.
     *
     * @param room octets that the field may take beyond the one that an empty text takes
     */
    static int fit(byte[] text, int room) {
        return cut(text, room > LONGEST_SHORT + 2 ? room - 2 : Math.min(room, LONGEST_SHORT));
    }

    /** Octets of a field of variable length. */
    static int fieldLength(int length) {
        return length > LONGEST_SHORT ? 3 + length : 1 + length;
    }

    /**
     * Writes a field of variable length.
     *
     * @param length octets of the text that are written
     * @return where the field ends
     */
    static int write(byte[] text, int length, byte[] out, int at) {
        int to = at;
        if (length > LONGEST_SHORT) {
            out[to++] = (byte) 255;
            out[to++] = (byte) (length >> 8);
        }
        out[to++] = (byte) length;
        if (length > 0) {
            System.arraycopy(text, 0, out, to, length);
        }
        return to + length;
    }
}
