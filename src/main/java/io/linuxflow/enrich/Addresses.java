// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.FlowLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Addresses as two numbers of 64 bits, the upper and the lower half; IPv4 in its IPv4-mapped form
 * (RFC 4291, section 2.5.5.2), as in {@link FlowLayout}.
 */
final class Addresses {

    private static final VarHandle HALF =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private static final long MAPPED = 0xffffL;

    private Addresses() {}

    /** The upper half of the address at that octet of flow records. */
    static long high(byte[] records, int at) {
        return (long) HALF.get(records, at);
    }

    /** The lower half of the address at that octet of flow records. */
    static long low(byte[] records, int at) {
        return (long) HALF.get(records, at + Long.BYTES);
    }

    /** Whether it is an IPv4 address. */
    static boolean isIpv4(long high, long low) {
        return high == 0 && low >>> 32 == MAPPED;
    }

    /** The lower half of an IPv4 address; the upper is 0. */
    static long low(int ipv4) {
        return MAPPED << 32 | Integer.toUnsignedLong(ipv4);
    }

    /** Its octets in network byte order: 4 of IPv4, 16 of IPv6. */
    static byte[] octets(long high, long low) {
        return isIpv4(high, low)
                ? ByteBuffer.allocate(Integer.BYTES).putInt((int) low).array()
                : ByteBuffer.allocate(2 * Long.BYTES).putLong(high).putLong(low).array();
    }
}
