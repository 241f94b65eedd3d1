// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/**
 * Where among other filters {@link Hook#CLSACT} puts ours; {@code pref} and {@code handle} of
 * tc(8).
 *
 * @param priority 1 to 65535, lower runs earlier; 0: the lowest possible
 * @param handle which of the filters of one priority; 0: one that is free
 */
public record ClsactOptions(int priority, int handle) {

    /** As early as possible, in nobody's way. */
    public static final ClsactOptions CHOSEN = new ClsactOptions(0, 0);

    public ClsactOptions {
        if (priority < 0 || priority > 0xffff) {
            throw new IllegalArgumentException("a tc priority is 0 to 65535, not " + priority);
        }
        if (handle < 0) {
            throw new IllegalArgumentException("a tc handle is not negative: " + handle);
        }
    }
}
