// SPDX-License-Identifier: Apache-2.0
/** flowctl, the command line: looks at the meters in the kernel and attaches them. */
package io.linuxflow.cli;
