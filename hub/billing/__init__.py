"""Invoices, payments, refunds and ERP documents."""
