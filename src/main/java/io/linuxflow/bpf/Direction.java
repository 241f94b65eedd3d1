// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/** Which packets of an interface a program sees. */
public enum Direction {
    /** Those it receives. */
    INGRESS,
    /** Those it sends. */
    EGRESS
}
