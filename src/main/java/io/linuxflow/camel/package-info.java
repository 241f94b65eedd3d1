// SPDX-License-Identifier: Apache-2.0
/**
 * Flows in Camel routes: the component {@code ebpf-flowmap}, the data format {@code ipfix}, the
 * Netty encoder {@code #ipfixDatagrams}, converters, and JSON.
 */
package io.linuxflow.camel;
