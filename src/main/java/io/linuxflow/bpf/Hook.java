// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/** How a tc program is attached. */
public enum Hook {
    /** {@link #TCX} where the kernel has it, else {@link #CLSACT}. */
    AUTO,
    /** A tcx link (Linux 6.6); the kernel detaches it when its last user is gone. */
    TCX,
    /** A filter of the clsact qdisc; stays until somebody removes it. */
    CLSACT
}
