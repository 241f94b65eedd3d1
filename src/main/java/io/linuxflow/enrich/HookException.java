// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

/** A hook has failed; says why. */
final class HookException extends Exception {

    private static final long serialVersionUID = 1;

    HookException(String message) {
        super(message);
    }
}
