// SPDX-License-Identifier: Apache-2.0
/**
 * The bundle as its user runs it: the real Camel CLI, started by {@code camelw} in a process of its
 * own, on real packets in network namespaces.
 */
package io.linuxflow.e2e;
