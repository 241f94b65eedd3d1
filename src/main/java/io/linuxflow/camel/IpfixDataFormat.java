// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.exporting.ExportOptions;
import io.linuxflow.exporting.ExportingProcess;
import io.linuxflow.exporting.FieldList;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixException;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.MessageWriter;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.Exchange;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.api.management.ManagedAttribute;
import org.apache.camel.api.management.ManagedResource;
import org.apache.camel.component.netty.NettyConstants;
import org.apache.camel.spi.DataFormat;
import org.apache.camel.spi.DataFormatName;
import org.apache.camel.spi.annotations.Dataformat;
import org.apache.camel.support.service.ServiceSupport;

/**
 * IPFIX (RFC 7011). Marshal turns a {@link FlowBatch} into Messages, one behind the other: as they
 * are for TCP and files (RFC 5655), cut into datagrams by {@code #ipfixDatagrams} for UDP.
 * Unmarshal turns Messages into a list of {@link DataRecord}.
 *
 * <p>An instance is one Exporting Process with one Transport Session: the sequence numbers go on
 * from batch to batch, so a route that sends to another collector needs an instance of its own.
 * {@code ref: ipfix} in a route gives it one.
 *
 * <p>Templates that are read are remembered for each source, which is the header {@code
 * CamelNettyRemoteAddress}; without it there is one source.
 */
@ManagedResource(description = "Managed IPFIX data format")
@Dataformat("ipfix")
public class IpfixDataFormat extends ServiceSupport implements DataFormat, DataFormatName {

    private static final String ONLY_SOURCE = "the only source";

    private String fields = FieldList.DEFAULT_ELEMENTS;
    private Duration templateRefresh = ExportOptions.DEFAULT.templateRefresh();
    private int maxMessageLength = ExportOptions.DEFAULT.maxMessageLength();
    private long observationDomainId = ExportOptions.DEFAULT.observationDomainId();

    private final IpfixReader reader = new IpfixReader();
    private final MessageWriter writer = new MessageWriter();
    private ExportingProcess exporting;

    @Override
    public String getDataFormatName() {
        return "ipfix";
    }

    /**
     * A new Transport Session.
     *
     * @throws IllegalArgumentException naming the option that is wrong
     */
    @Override
    protected synchronized void doStart() {
        exporting =
                new ExportingProcess(
                        new ExportOptions(
                                FieldList.parse(fields),
                                maxMessageLength,
                                templateRefresh,
                                observationDomainId));
    }

    /** One batch at a time, so that the Messages leave in the order of their sequence numbers. */
    @Override
    public synchronized void marshal(Exchange exchange, Object graph, OutputStream stream)
            throws IOException {
        if (!(graph instanceof FlowBatch batch)) {
            throw new IllegalArgumentException(
                    "marshal ipfix takes a FlowBatch as ebpf-flowmap gives it, not "
                            + (graph == null ? "null" : graph.getClass().getName()));
        }
        writer.clear();
        exporting.encode(batch, System.currentTimeMillis(), writer);
        stream.write(writer.array(), 0, writer.length());
    }

    @Override
    public Object unmarshal(Exchange exchange, InputStream stream) throws IOException {
        return unmarshal(exchange, ByteBuffer.wrap(stream.readAllBytes()));
    }

    /**
     * @return a list of {@link DataRecord}, those of Options Templates included
     * @throws IpfixException if a Message is malformed
     */
    @Override
    public Object unmarshal(Exchange exchange, Object body)
            throws IOException, InvalidPayloadException {
        ByteBuffer octets;
        if (body instanceof ByteBuffer buffer) {
            octets = buffer.duplicate();
        } else if (body instanceof ByteBuf buffer) {
            octets = buffer.nioBuffer();
        } else {
            octets = ByteBuffer.wrap(exchange.getIn().getMandatoryBody(byte[].class));
        }
        return unmarshal(exchange, octets);
    }

    private List<DataRecord> unmarshal(Exchange exchange, ByteBuffer octets) throws IpfixException {
        Object source =
                exchange.getIn().getHeader(NettyConstants.NETTY_REMOTE_ADDRESS, ONLY_SOURCE);
        List<DataRecord> records = new ArrayList<>();
        do {
            records.addAll(reader.read(source, octets).records());
        } while (octets.hasRemaining());
        return records;
    }

    @ManagedAttribute(description = "Messages read")
    public long getMessages() {
        return reader.counters().messages();
    }

    @ManagedAttribute(description = "Messages that were malformed")
    public long getMalformedMessages() {
        return reader.counters().malformedMessages();
    }

    @ManagedAttribute(description = "Data Records read")
    public long getRecords() {
        return reader.counters().records();
    }

    @ManagedAttribute(description = "Sets whose Template was not known")
    public long getUndecodedSets() {
        return reader.counters().undecodedSets();
    }

    @ManagedAttribute(description = "Data Records missing by the sequence numbers")
    public long getLostRecords() {
        return reader.counters().lostRecords();
    }

    public String getFields() {
        return fields;
    }

    /**
     * The Information Elements to export, by name, separated by commas: {@code
     * octetDeltaCount,packetDeltaCount,tcpControlBits:1}. The default is {@link
     * FieldList#DEFAULT_ELEMENTS}.
     */
    public void setFields(String fields) {
        this.fields = fields;
    }

    public Duration getTemplateRefresh() {
        return templateRefresh;
    }

    /** How often the Templates are sent again. 60 s is the default. */
    public void setTemplateRefresh(Duration templateRefresh) {
        this.templateRefresh = templateRefresh;
    }

    public int getMaxMessageLength() {
        return maxMessageLength;
    }

    /**
     * The most octets of one Message, 1400 by default: with UDP and IP headers less than the MTU.
     */
    public void setMaxMessageLength(int maxMessageLength) {
        this.maxMessageLength = maxMessageLength;
    }

    public long getObservationDomainId() {
        return observationDomainId;
    }

    /**
     * The Observation Domain ID of the first network namespace that is metered, 1 by default; those
     * of further ones follow.
     */
    public void setObservationDomainId(long observationDomainId) {
        this.observationDomainId = observationDomainId;
    }
}
