// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.Direction;
import java.util.List;

/** At which hooks of an interface packets are metered. */
public enum MeteringDirection {
    /** As they come in: egressInterface is not known yet. */
    INGRESS(Direction.INGRESS),
    /** As they leave: one record a forwarded packet, with both interfaces. */
    EGRESS(Direction.EGRESS),
    /** Both: a forwarded packet is in two records, told apart by flowDirection. */
    BOTH(Direction.INGRESS, Direction.EGRESS);

    private final List<Direction> hooks;

    MeteringDirection(Direction... hooks) {
        this.hooks = List.of(hooks);
    }

    List<Direction> hooks() {
        return hooks;
    }
}
