// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import java.util.Arrays;

/**
 * What a table has for a prefix, as octets of columns; null where it has nothing. Compared by what
 * is in the arrays.
 *
 * @param number of the autonomous system, 4 octets
 * @param nextHop the BGP next hop, 4 or 16 octets
 * @param name of the autonomous system, UTF-8
 */
record AutonomousSystem(byte[] number, byte[] nextHop, byte[] name) {

    @Override
    public boolean equals(Object other) {
        return other instanceof AutonomousSystem that
                && Arrays.equals(number, that.number)
                && Arrays.equals(nextHop, that.nextHop)
                && Arrays.equals(name, that.name);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * Arrays.hashCode(number) + Arrays.hashCode(nextHop))
                + Arrays.hashCode(name);
    }
}
