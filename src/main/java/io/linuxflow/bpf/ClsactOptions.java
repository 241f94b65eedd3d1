// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/**
 * Where among other filters {@link Hook#CLSACT} puts ours; {@code pref}, {@code handle} and {@code
 * chain} of tc(8).
 *
 * @param priority 1 to 65535, lower runs earlier; 0: the lowest possible
 * @param handle which of the filters of one priority; 0: one that is free
 * @param chain which of the lists of filters; one other than 0 is gone through only for packets
 *     that a filter of chain 0 sends there ({@code action goto chain})
 */
public record ClsactOptions(int priority, int handle, int chain) {

    /** The kernel has 28 bits for it (TC_ACT_EXT_VAL_MASK). */
    private static final int MAX_CHAIN = (1 << 28) - 1;

    /** As early as possible, in nobody's way. */
    public static final ClsactOptions CHOSEN = new ClsactOptions(0, 0, 0);

    public ClsactOptions {
        if (priority < 0 || priority > 0xffff) {
            throw new IllegalArgumentException("a tc priority is 0 to 65535, not " + priority);
        }
        if (handle < 0) {
            throw new IllegalArgumentException("a tc handle is not negative: " + handle);
        }
        if (chain < 0 || chain > MAX_CHAIN) {
            throw new IllegalArgumentException(
                    "a tc chain is 0 to " + MAX_CHAIN + ", not " + chain);
        }
    }
}
